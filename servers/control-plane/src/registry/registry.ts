/** Replicas that registered, with their leases. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { PortPolicy } from '../policy/types.ts';
import { ReplicaQuota, type Limit, type Limits } from './replica-quota.ts';

/** `starting` and `draining` get nothing new. */
export type ReplicaPhase = 'starting' | 'ready' | 'draining';

export interface Claim {
  readonly service: string;
  /** Of the pod: a replica that comes again under its name takes its former place. */
  readonly name: string;
  /** An IP address. */
  readonly address: string;
  /** Its further ones, on other networks. */
  readonly addresses?: readonly string[];
  /** The IP address from which it registered; absent: its own. */
  readonly peer?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly Pick<PortPolicy, 'port' | 'protocol'>[];
  readonly phase: ReplicaPhase;
}

export interface Replica extends Claim {
  readonly id: string;
  /** When the lease lapses, in milliseconds since the epoch. */
  readonly expires: number;
  /** What a probe saw; `unknown` before the first. */
  readonly probe: 'unknown' | 'passing' | 'failing';
  /** Of the secret by which its lease is renewed, in hex. */
  readonly leaseDigest: string;
}

export type Ending = 'lapsed' | 'left' | 'replaced';

export interface RegistryOptions {
  /** How long a lease lasts, in milliseconds. */
  readonly lease: number;
  readonly onChange: () => void;
  readonly onEnd?: (replica: Replica, ending: Ending) => void;
  readonly now?: () => number;
  readonly limits: Limits;
}

/** No more replicas are taken: of this service, from this address, or at all. */
export class RegistryFull extends Error {
  readonly limit: Limit;
  readonly most: number;
  constructor(limit: Limit, most: number) {
    super(`there are ${most} replicas, and more are not taken (${limit})`);
    this.limit = limit;
    this.most = most;
  }
}

const MAX_TIMER = 2 ** 31 - 1;
/** A timer that is later than this, in milliseconds, says that this process stood still, not that replicas did. */
const LATE = 200;
/** A service's name has no blank. */
const keysOf = ({ service, name, address, addresses = [] }: Claim): string[] => [
  `${service} name ${name}`,
  ...[address, ...addresses].map((each) => `${service} at ${each}`),
];
const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export class Registry {
  readonly #replicas = new Map<string, Replica>();
  /** Their ids, by what one replica of a service alone may have: its name, and its address. */
  readonly #owners = new Map<string, string>();
  readonly #quota: ReplicaQuota;
  readonly #options: Required<RegistryOptions>;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is to wake. */
  #due = 0;

  constructor(options: RegistryOptions) {
    this.#options = { onEnd: () => {}, now: Date.now, ...options };
    this.#quota = new ReplicaQuota(options.limits);
  }

  get replicas(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  get(id: string): Replica | undefined {
    return this.#replicas.get(id);
  }

  /**
   * Take replicas that were registered before a restart, also more than the limits are now: their leases begin anew,
   * since they could not be renewed.
   */
  restore(replicas: readonly Replica[]): void {
    const expires = this.#options.now() + this.#options.lease;
    for (const replica of replicas) this.#add({ ...replica, expires, probe: 'unknown' });
    this.#changed();
  }

  /**
   * Register a replica.
   * @returns it, and the secret that renews its lease
   * @throws {RegistryFull} and then nothing has changed
   */
  join(claim: Claim): { replica: Replica; secret: string } {
    // An address has one owner: an engine gives one that was freed to the next pod, before the lease lapses.
    const ids = new Set(keysOf(claim).flatMap((key) => this.#owners.get(key) ?? []));
    const former = [...ids].map((id) => this.#replicas.get(id)!);
    const limit = this.#quota.lacks(claim, former);
    if (limit !== undefined) throw new RegistryFull(limit, this.#options.limits[limit]);
    for (const each of former) this.#remove(each, 'replaced');
    const secret = randomBytes(24).toString('base64url');
    const replica: Replica = {
      ...claim,
      id: randomBytes(9).toString('base64url'),
      expires: this.#options.now() + this.#options.lease,
      probe: 'unknown',
      leaseDigest: digestOf(secret),
    };
    this.#add(replica);
    this.#changed();
    return { replica, secret };
  }

  /**
   * Renew a lease.
   * @returns undefined where there is none (it lapsed, or this is not its secret): the replica must join again
   */
  renew(id: string, secret: string, phase: ReplicaPhase): Replica | undefined {
    const replica = this.#owned(id, secret);
    if (!replica) return undefined;
    const renewed = { ...replica, phase, expires: this.#options.now() + this.#options.lease };
    this.#replicas.set(id, renewed);
    // The timer wakes at the former end, and then looks for the next.
    if (phase !== replica.phase) this.#changed();
    return renewed;
  }

  /** End a lease. @returns false where there is none */
  leave(id: string, secret: string): boolean {
    const replica = this.#owned(id, secret);
    if (!replica) return false;
    this.#remove(replica, 'left');
    this.#changed();
    return true;
  }

  /** Note what a probe saw. */
  probed(id: string, probe: 'passing' | 'failing'): void {
    const replica = this.#replicas.get(id);
    if (!replica || replica.probe === probe) return;
    this.#replicas.set(id, { ...replica, probe });
    // Nobody who has not been probed counts as failing, so a first pass changes nothing.
    if (!(replica.probe === 'unknown' && probe === 'passing')) this.#changed();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #owned(id: string, secret: string): Replica | undefined {
    const replica = this.#replicas.get(id);
    if (!replica) return undefined;
    return timingSafeEqual(Buffer.from(digestOf(secret)), Buffer.from(replica.leaseDigest)) ? replica : undefined;
  }

  #add(replica: Replica): void {
    this.#replicas.set(replica.id, replica);
    for (const key of keysOf(replica)) this.#owners.set(key, replica.id);
    this.#quota.take(replica);
  }

  #remove(replica: Replica, ending: Ending): void {
    this.#replicas.delete(replica.id);
    for (const key of keysOf(replica)) if (this.#owners.get(key) === replica.id) this.#owners.delete(key);
    this.#quota.free(replica);
    this.#options.onEnd(replica, ending);
  }

  #changed(): void {
    this.#schedule();
    this.#options.onChange();
  }

  /** Wake when the next lease lapses. */
  #schedule(): void {
    // Leases only become longer, so one that is set is never too late.
    if (this.#timer !== undefined || this.#replicas.size === 0) return;
    const next = this.replicas.reduce((earliest, { expires }) => Math.min(earliest, expires), Infinity);
    const now = this.#options.now();
    const wait = Math.min(MAX_TIMER, Math.max(1, next - now));
    this.#due = now + wait;
    this.#timer = setTimeout(() => this.#lapse(), wait).unref();
  }

  #lapse(): void {
    this.#timer = undefined;
    const now = this.#options.now();
    const lapsed = this.replicas.filter(({ expires }) => expires <= now);
    const late = now - this.#due;
    if (late > LATE) {
      // Renewals have come meanwhile that were not read: they get as long as nothing was read.
      const expires = now + Math.min(late, this.#options.lease);
      for (const replica of lapsed) this.#replicas.set(replica.id, { ...replica, expires });
      this.#schedule();
      return;
    }
    for (const replica of lapsed) this.#remove(replica, 'lapsed');
    if (lapsed.length > 0) this.#changed();
    else this.#schedule();
  }
}
