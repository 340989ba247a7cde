/**
 * The list of servers in a file that may change while the application runs. What is under way is written down
 * before it begins, so that a new start goes on with it.
 */
import { readFile } from 'node:fs/promises';
import { publishFile } from '#kit/files/atomic-file.ts';
import { readKept } from '#kit/files/kept-file.ts';
import { setAside } from '#kit/files/set-aside.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { explain } from '#kit/text/explain.ts';
import { added, membersIn, type ShardMember } from '../ring/members.ts';
import { readState, type State } from './membership-state.ts';

export interface MembershipOptions {
  /** The list. */
  readonly file: string;
  /** Where keys are by now: a file of our own. */
  readonly state: string;
  readonly log: Logger;
  /** The state could not be used; counts. */
  readonly onDamaged?: () => void;
  /** Throws unless the servers answer, and are empty. */
  readonly check: (servers: readonly ShardMember[]) => Promise<void>;
  /** Moves keys to where they belong with these servers; resolves with whether all have moved, or it ended before. */
  readonly change: (servers: readonly ShardMember[]) => Promise<boolean>;
}

export class Membership {
  readonly #options: MembershipOptions;
  #state: State;
  /** The list that was looked at last, and needs no further look. */
  #seen: string | undefined;
  #busy = false;
  /** The state is on disk: without it nothing is begun that a new start has to know. */
  #written: boolean;
  /** Why the file's list is not in effect. */
  wrong: string | undefined;

  private constructor(options: MembershipOptions, state: State, written: boolean) {
    this.#options = options;
    this.#state = state;
    this.#written = written;
  }

  /**
   * Read both files. A damaged state is set aside: then the list says where keys are. A list that cannot be used is left
   * for later where the state knows the servers.
   * @throws {Error} when neither says which servers there are
   */
  static async open(options: MembershipOptions): Promise<Membership> {
    const state = stateIn(options);
    if (state !== undefined) return new Membership(options, state, true);
    const servers = membersIn(await readFile(options.file, 'utf8'));
    return new Membership(options, { servers }, false);
  }

  /** The servers that the keys were on when it was last written down. */
  get servers(): readonly ShardMember[] {
    return this.#state.servers;
  }

  /** Look at the list, and carry out what is new in it; resolves when that is done, or cannot be now. */
  async look(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (!this.#written) await this.#write(this.#state);
      const text = await readFile(this.#options.file, 'utf8');
      if (text === this.#seen) return;
      // The list may have changed again meanwhile: it is looked at when the next time comes.
      if (await this.#takeUp(membersIn(text))) this.#seen = text;
      this.wrong = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.wrong)
        this.#options.log.warn({ file: this.#options.file, reason: message }, 'the list of servers is not in effect');
      this.wrong = message;
    } finally {
      this.#busy = false;
    }
  }

  /** @returns whether the list is in effect */
  async #takeUp(list: readonly ShardMember[]): Promise<boolean> {
    const { servers, target } = this.#state;
    // What was begun is finished first; its new servers are not empty any more.
    if (target !== undefined) {
      await this.#move(target);
      return false;
    }
    const fresh = added(servers, list);
    if (fresh.length === 0 && list.length === servers.length) return true;
    if (fresh.length > 0) await this.#options.check(fresh);
    // Those that stay keep their order, in which a scan goes over them.
    const kept = servers.filter(({ name }) => list.some((each) => each.name === name));
    const next = [...kept, ...fresh];
    await this.#write({ servers, target: next });
    await this.#move(next);
    return false;
  }

  async #move(target: readonly ShardMember[]): Promise<void> {
    const { log, change } = this.#options;
    const before = this.#state.servers;
    const changes = { added: namesOf(added(before, target)), removed: namesOf(added(target, before)) };
    log.info(changes, 'the servers change: keys begin to move');
    if (!(await change(target))) return;
    await this.#write({ servers: target });
    log.info(changes, 'all keys have moved');
  }

  async #write(state: State): Promise<void> {
    await publishFile(this.#options.state, `${JSON.stringify(state)}\n`);
    this.#state = state;
    this.#written = true;
  }
}

const namesOf = (members: readonly ShardMember[]): string[] => members.map(({ name }) => name);

/** @returns undefined where there is none, or none that can be used */
function stateIn({ state: path, log, onDamaged }: MembershipOptions): State | undefined {
  try {
    const text = readKept(path);
    return text && readState(String(text));
  } catch (error) {
    onDamaged?.();
    log.warn(
      { path, reason: explain(error), aside: keep(path) },
      'the state cannot be used: keys are taken to be where the list of servers puts them; if servers were changing, restore the state, since keys that had not moved are not found',
    );
    return undefined;
  }
}

/** @returns where the damaged file is now; undefined where it could not be renamed */
function keep(path: string): string | undefined {
  try {
    return setAside(path);
  } catch {
    return undefined;
  }
}
