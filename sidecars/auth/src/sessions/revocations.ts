/**
 * Sessions that were ended before their time. A sealed cookie stays good wherever a copy of it lies, so
 * what was ended is written down, on disk before anybody is told that it has ended.
 */
import type { Stats } from 'node:fs';
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { publishFile } from '#kit/files/atomic-file.ts';
import { setAside } from '#kit/files/set-aside.ts';
import type { Session } from './session.ts';

/** What is ended: one session of ours, one login at the provider, all of a user's, or all that there are. */
export type Kind = 'id' | 'sid' | 'sub' | 'jti' | 'all';

/** A file that could not be read to its end. */
export interface Damaged {
  readonly reason: string;
  /** Where it lies now. */
  readonly aside: string;
}

interface Entry {
  readonly kind: Kind;
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const FILE = 'revocations.jsonl';
/** Most entries: beyond it nothing more is accepted, rather than something forgotten. */
const MAX_ENTRIES = 200_000;
const MAX_FILE = 64 * 1024 * 1024;

export class RevocationsFull extends Error {}

export class Revocations {
  readonly #path: string;
  readonly #lifetime: number;
  readonly #now: () => number;
  /** By kind and value. */
  readonly #entries = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();
  /** Lines in the file. */
  #lines = 0;
  /** What a former life wrote was damaged: it was set aside, and all sessions of before are ended. */
  damaged: Damaged | undefined;

  private constructor(directory: string, lifetime: number, now: () => number) {
    this.#path = join(directory, FILE);
    this.#lifetime = lifetime;
    this.#now = now;
  }

  /**
   * Read what a former life wrote.
   * @param lifetime how long a session can last, in milliseconds: nothing needs to be known for longer
   * @throws the file system's error when the directory cannot be written
   */
  static async open(directory: string, lifetime: number, now: () => number = Date.now): Promise<Revocations> {
    await mkdir(directory, { recursive: true });
    const revocations = new Revocations(directory, lifetime, now);
    await revocations.#load();
    await revocations.#compact();
    return revocations;
  }

  async #load(): Promise<void> {
    const found = await stat(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const reason = found === undefined ? undefined : await this.#read(found);
    if (reason === undefined) return;
    this.damaged = { reason, aside: setAside(this.#path) };
    // Nobody knows who is missing: no session that was ended may be good again.
    this.#entries.set('all ', this.#now());
  }

  /** @returns why it is damaged */
  async #read(found: Stats): Promise<string | undefined> {
    if (!found.isFile()) return 'is not a file';
    if (found.size > MAX_FILE) return `is longer than ${MAX_FILE} bytes`;
    const lines = (await readFile(this.#path, 'utf8')).split('\n');
    // A line that a kill cut in two was not confirmed to anybody.
    lines.pop();
    let reason: string | undefined;
    for (const [index, line] of lines.entries()) {
      const entry = entryOf(line);
      if (entry) this.#entries.set(`${entry.kind} ${entry.value}`, entry.at);
      else reason ??= `is damaged in line ${index + 1}`;
    }
    return reason;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * End what a value names, as of now.
   * @throws {RevocationsFull} and the file system's errors; then nothing is ended
   */
  async add(kind: Kind, value: string): Promise<void> {
    if (this.#entries.size >= MAX_ENTRIES) await this.#compact();
    if (this.#entries.size >= MAX_ENTRIES) throw new RevocationsFull(`${MAX_ENTRIES} sessions were ended already`);
    const at = this.#now();
    // In memory at once: a revoked session must not get in while the disk is slow.
    this.#entries.set(`${kind} ${value}`, at);
    this.#lines += 1;
    await this.#inTurn(async () => {
      await appendFile(this.#path, `${JSON.stringify({ kind, value, at })}\n`, { mode: 0o600, flush: true });
    });
    if (this.#lines > 2 * this.#entries.size + 1000) await this.#compact();
  }

  /** Whether a `jti` was seen before. */
  has(kind: Kind, value: string): boolean {
    return this.#entries.has(`${kind} ${value}`);
  }

  /** Whether a session was ended. */
  covers(session: Pick<Session, 'id' | 'sid' | 'sub' | 'createdAt'>): boolean {
    if (this.#entries.size === 0) return false;
    if ((this.#entries.get('all ') ?? -Infinity) >= session.createdAt) return true;
    if (this.#entries.has(`id ${session.id}`)) return true;
    if (session.sid !== undefined && this.#entries.has(`sid ${session.sid}`)) return true;
    return (this.#entries.get(`sub ${session.sub}`) ?? -Infinity) >= session.createdAt;
  }

  /** Forget what can no longer matter, and write the rest anew. */
  async #compact(): Promise<void> {
    const oldest = this.#now() - this.#lifetime;
    for (const [key, at] of this.#entries) if (at < oldest) this.#entries.delete(key);
    await this.#inTurn(async () => {
      const lines = [...this.#entries].map(([key, at]) => {
        const blank = key.indexOf(' ');
        return `${JSON.stringify({ kind: key.slice(0, blank), value: key.slice(blank + 1), at })}\n`;
      });
      await publishFile(this.#path, lines.join(''), { mode: 0o600 });
      this.#lines = lines.length;
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(work);
    this.#writing = turn.catch(() => {});
    await turn;
  }
}

function entryOf(line: string): Entry | undefined {
  try {
    const { kind, value, at } = JSON.parse(line) as Entry;
    const good = ['id', 'sid', 'sub', 'jti', 'all'].includes(kind) && typeof value === 'string' && Number.isFinite(at);
    return good ? { kind, value, at } : undefined;
  } catch {
    return undefined;
  }
}
