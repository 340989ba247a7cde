/**
 * The list of servers in a file that may grow while the application runs. What is under way is written down
 * before it begins, so that a new start goes on with it.
 */
import { readFile } from 'node:fs/promises';
import { publishFile } from '#kit/files/atomic-file.ts';
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
  /** Throws unless the servers answer, and are empty. */
  readonly check: (servers: readonly ShardMember[]) => Promise<void>;
  /** Adds servers; resolves when all keys have moved, with false when it ended before. */
  readonly add: (servers: readonly ShardMember[]) => Promise<boolean>;
}

export class Membership {
  readonly #options: MembershipOptions;
  #state: State;
  /** The list that was looked at last, and needs no further look. */
  #seen = '';
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
    const state = await stateIn(options);
    if (state !== undefined) return new Membership(options, state, true);
    const servers = membersIn(await readFile(options.file, 'utf8'));
    return new Membership(options, { servers, adding: [] }, false);
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
    this.#written = true;
  }
}

/** @returns undefined where there is none, or none that can be used */
async function stateIn({ state: path, log }: MembershipOptions): Promise<State | undefined> {
  try {
    return readState(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    log.warn(
      { path, reason: explain(error), aside: keep(path) },
      'the state cannot be used: keys are taken to be where the list of servers puts them; if servers were being added, restore the state, since keys that had not moved are not found',
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
