/** Files held open: a limited number, and none outside the configured directories. */
import { closeSync, constants, fstatSync, openSync, readlinkSync, type BigIntStats } from 'node:fs';
import { sep } from 'node:path';
import type { Head } from '../tracked/content.ts';
import { attempt } from '../tracked/error-code.ts';
import type { TrackedFile, Stat } from '../tracked/tracked-file.ts';
import { setSought } from '../tracked/state.ts';

/** Why a file is not read. */
export type Refusal = 'gone' | 'unreadable' | 'outside';

/** A file at a path, opened for a look. */
export interface Candidate {
  readonly path: string;
  readonly fd: number;
  readonly stat: Stat;
  /** How it began then; absent where nobody asks. */
  readonly head?: Head;
}

export class OpenFiles {
  readonly #most: number;
  readonly #roots: readonly string[];
  /** What was used last is last. */
  readonly #held = new Set<TrackedFile>();

  /**
   * @param most how many are held open
   * @param roots directories; a link that leads elsewhere is not followed, since a program that writes logs
   * could otherwise have the shipper send its own secrets
   */
  constructor(most: number, roots: readonly string[]) {
    this.#most = most;
    this.#roots = roots;
  }

  get size(): number {
    return this.#held.size;
  }

  /**
   * Open a path for a first look. The caller closes it.
   * @returns the descriptor with what it is, or why there is none
   */
  look(path: string): { readonly fd: number; readonly stat: Stat } | Refusal {
    let fd: number;
    try {
      // A FIFO in place of the file would block for ever without O_NONBLOCK.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : 'unreadable';
    }
    const stats = attempt(
      () => fstatSync(fd, { bigint: true }),
      () => undefined,
    );
    if (stats === undefined) {
      closeSync(fd);
      return 'unreadable';
    }
    if (stats.isFile() && this.#inside(fd)) return { fd, stat: toStat(stats) };
    closeSync(fd);
    return stats.isFile() ? 'outside' : 'gone';
  }

  /** The descriptor of a tracked file's file, opened where need be. */
  hold(tracked: TrackedFile): number | Refusal {
    if (tracked.fd !== undefined) {
      this.#held.delete(tracked);
      this.#held.add(tracked);
      return tracked.fd;
    }
    const looked = this.look(tracked.path);
    if (typeof looked === 'string') return looked;
    if (looked.stat.key !== tracked.key) {
      closeSync(looked.fd);
      return 'gone';
    }
    this.#makeRoom();
    tracked.fd = looked.fd;
    this.#held.add(tracked);
    return looked.fd;
  }

  /** What a held file is like now. */
  stat(fd: number): Stat {
    return toStat(fstatSync(fd, { bigint: true }));
  }

  release(tracked: TrackedFile): void {
    if (tracked.fd === undefined) return;
    closeSync(tracked.fd);
    tracked.fd = undefined;
    setSought(tracked, false);
    this.#held.delete(tracked);
  }

  releaseAll(): void {
    for (const tracked of this.#held) this.release(tracked);
  }

  /**
   * Close what was used longest ago; what no path leads to any more could not be opened again. What was
   * used last stays: two files are compared, or read in one event.
   */
  #makeRoom(): void {
    while (this.#held.size >= this.#most) {
      const others = [...this.#held];
      const last = others.pop()!;
      const victim = others.find(({ detachedAt }) => detachedAt === undefined) ?? others[0] ?? last;
      this.release(victim);
    }
  }

  #inside(fd: number): boolean {
    let path: string;
    try {
      path = readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // Not Linux, where this is developed only.
      return true;
    }
    return this.#roots.some((root) => path.startsWith(root === sep ? sep : root + sep));
  }
}

/** Numbers of devices and inodes use all 64 bits on some file systems. */
export function toStat(stats: BigIntStats): Stat {
  return {
    key: `${stats.dev}:${stats.ino}`,
    size: Number(stats.size),
    stamp: `${stats.mtimeNs}:${stats.ctimeNs}:${stats.size}`,
    links: Number(stats.nlink),
  };
}
