/**
 * Names of users. A user id means what /etc/passwd of the process' own container says, which can be
 * read only through /proc/PID/root: with the same user and group, or CAP_SYS_PTRACE.
 */
import { readBounded } from './bounded.ts';
import type { Process } from './process.ts';
import { DENIED, why } from './reader.ts';

/** What is kept of one container's /etc/passwd. */
interface Names {
  readonly names: ReadonlyMap<number, string> | 'denied' | 'none';
  readonly readAt: number;
}

const LIMIT = 256 * 1024;
/** Milliseconds for which names are kept; users are seldom added. */
const KEPT = 60_000;
const MOST_CONTAINERS = 256;

export class Users {
  readonly #byGroup = new Map<string, Names>();
  readonly #proc: string;
  readonly #now: () => number;

  constructor(proc = '/proc', now: () => number = () => performance.now()) {
    this.#proc = proc;
    this.#now = now;
  }

  /**
   * The user of a process.
   * @returns its name, or its number where there is none; `denied` when a privilege is missing to know
   */
  nameOf(process: Process): { readonly name: string; readonly denied: boolean } {
    const names = this.#namesFor(process);
    const name = typeof names === 'string' ? undefined : names.get(process.uid);
    return { name: name ?? String(process.uid), denied: names === 'denied' };
  }

  #namesFor(process: Process): Names['names'] {
    // Who may read one user's process may not read another's.
    const key = `${process.group} ${process.uid}`;
    const known = this.#byGroup.get(key);
    if (known && this.#now() - known.readAt < KEPT) return known.names;
    if (this.#byGroup.size >= MOST_CONTAINERS) this.#byGroup.clear();
    const names = this.#read(process.pid);
    this.#byGroup.set(key, { names, readAt: this.#now() });
    return names;
  }

  #read(pid: number): Names['names'] {
    try {
      const bytes = readBounded(`${this.#proc}/${pid}/root/etc/passwd`, LIMIT);
      return bytes === undefined ? 'none' : parsePasswd(bytes.toString('latin1'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ELOOP' || code === 'ENXIO' || code === 'EAGAIN') return 'none';
      return why(error) === DENIED ? 'denied' : 'none';
    }
  }
}

/**
 * User ids and names of an /etc/passwd. The file is not trusted: what is no usual name is left out.
 * @param text the file's content
 */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [, name, id] = /^([A-Za-z_][\w.-]{0,31}\$?):[^:]*:(\d{1,10}):/.exec(line) ?? [];
    // The first line of an id counts, as for getpwuid(3).
    if (name !== undefined && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}
