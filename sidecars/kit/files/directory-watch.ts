/** Noticing that something in a directory has changed, whichever way it was changed. */
import { watch, type FSWatcher } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface DirectoryWatchOptions {
  /** Called once for a burst of changes, `settle` ms after the last of them. */
  readonly onChange: () => void;
  /** Called every `poll` ms, for file systems on which changes make no events (many bind mounts). */
  readonly onPoll: () => void;
  /** Why events of a directory cannot be had; polling goes on. */
  readonly onBlind: (error: Error) => void;
  readonly settle: number;
  readonly poll: number;
}

/**
 * Watches directories, not files: a watch on a file ends up on an inode that nobody serves any more
 * once the file is replaced by a rename or a symlink is swapped.
 */
export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
    this.#poll = setInterval(options.onPoll, options.poll).unref();
  }

  /**
   * Watch these directories, and those that their files really lie in; forget all others. To be
   * called again after each look, since directories come, go and are replaced.
   * @param directories paths that lead to the files
   * @param files paths whose symlinks are followed
   * @returns true when a directory was added: what changed in it before now went unnoticed
   */
  async follow(directories: readonly string[], files: readonly string[]): Promise<boolean> {
    const wanted = new Set(directories);
    for (const directory of directories) {
      const link = await lstat(directory).catch(() => undefined);
      if (link?.isSymbolicLink()) wanted.add(dirname(directory));
    }
    for (const file of files) {
      const real = await realpath(file).catch(() => undefined);
      if (real !== undefined) wanted.add(dirname(real));
    }
    const keys = new Map<string, string>();
    for (const path of wanted) {
      const found = await stat(path).catch(() => undefined);
      if (found) keys.set(`${found.dev}:${found.ino}:${found.birthtimeMs}`, path);
    }
    if (this.#closed) return false;
    for (const [key, watcher] of this.#watchers) {
      if (keys.has(key)) continue;
      watcher.close();
      this.#watchers.delete(key);
    }
    const added = [...keys].filter(([key]) => !this.#watchers.has(key));
    for (const [key, path] of added) this.#add(key, path);
    return added.length > 0;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(this.#options.onChange, this.#options.settle).unref();
  }

  #add(key: string, path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, () => this.#settle());
      watcher.on('error', (error) => {
        watcher.close();
        this.#watchers.delete(key);
        this.#options.onBlind(error);
      });
      this.#watchers.set(key, watcher);
    } catch (error) {
      this.#options.onBlind(error as Error);
    }
  }
}
