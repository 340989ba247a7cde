/**
 * The list of servers in a file that may grow while the application runs. What is under way is written down
 * before it begins, so that a new start goes on with it.
 */
import { readFile } from 'node:fs/promises';
import { publishFile } from '#kit/files/atomic-file.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { added, membersIn, type ShardMember } from '../ring/members.ts';

export interface MembershipOptions {
  /** The list. */
  readonly file: string;
  /** Where keys are by now: a file of our own. */
  readonly state: string;
  readonly log: Logger;
  /** Throws unless the servers answer, and are empty. */
  readonly check: (servers: readonly ShardMember[]) => Promise<void>;
  /** Adds servers; resolves when all keys have moved, with false when it ended before. */
  readonly add: (servers: readonly ShardMember[]) => Promise<boolean>;
}

interface State {
  /** Every key is on one of these... */
  readonly servers: readonly ShardMember[];
  /** ... or has moved to one of these. */
  readonly adding: readonly ShardMember[];
}

export class Membership {
  readonly #options: MembershipOptions;
  #state: State;
  /** The list that was looked at last, and needs no further look. */
  #seen = '';
  #busy = false;
  /** Why the file's list is not in effect. */
  wrong: string | undefined;

  private constructor(options: MembershipOptions, state: State) {
    this.#options = options;
    this.#state = state;
  }

  /** Read both files. @throws {Error} when the list or the state is no such thing */
  static async open(options: MembershipOptions): Promise<Membership> {
    const list = membersIn(await readFile(options.file, 'utf8'));
    const text = await readFile(options.state, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const state: State = text === undefined ? { servers: list, adding: [] } : (JSON.parse(text) as State);
    const membership = new Membership(options, state);
    if (text === undefined) await membership.#write(state);
    return membership;
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
      const text = await readFile(this.#options.file, 'utf8');
      if (text === this.#seen) return;
      const { servers, adding } = this.#state;
      const fresh = added(servers, membersIn(text));
      // What was begun is finished first; it is not empty any more.
      const begun = fresh.filter(({ name }) => adding.some((each) => each.name === name));
      if (begun.length < adding.length) throw new Error('keys are on their way to a server that is gone from the list');
      const next = begun.length > 0 ? begun : fresh;
      if (next.length > 0) {
        if (begun.length === 0) await this.#options.check(next);
        await this.#grow(next);
      }
      if (next.length === fresh.length) this.#seen = text;
      this.wrong = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.wrong)
        this.#options.log.warn({ file: this.#options.file, reason: message }, 'servers are not added');
      this.wrong = message;
    } finally {
      this.#busy = false;
    }
  }

  async #grow(servers: readonly ShardMember[]): Promise<void> {
    const { log, add } = this.#options;
    const names = servers.map(({ name }) => name);
    await this.#write({ servers: this.#state.servers, adding: servers });
    log.info({ servers: names }, 'servers are added: keys begin to move');
    if (!(await add(servers))) return;
    await this.#write({ servers: [...this.#state.servers, ...servers], adding: [] });
    log.info({ servers: names }, 'all keys have moved');
  }

  async #write(state: State): Promise<void> {
    await publishFile(this.#options.state, `${JSON.stringify(state)}\n`);
    this.#state = state;
  }
}
