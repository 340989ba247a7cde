/** The file that the application reads. */
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { publishFile, removeStrays } from '#kit/files/atomic-file.ts';
import { isDenied, remedy, unreadable } from '#kit/files/remedy.ts';
import { digestOf } from '../documents/document.ts';

/** The file system did not take something; fit for users, and tried again. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** As the system calls it: ENOSPC, EROFS, EACCES … */
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const MEANING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the volume is read-only',
  EISDIR: 'it is a directory',
  ENOTDIR: 'something on the way to it is not a directory',
  ENOENT: 'its directory does not exist',
  EBUSY: 'it is a mount of its own: mount its directory instead',
  EXDEV: 'it is a mount of its own: mount its directory instead',
  EIO: 'the disk has errors',
};

/** Run what writes, and say in words why it failed. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
    const why = isDenied(error) ? remedy(dirname(path), 'write') : (MEANING[code] ?? 'the system refuses');
    throw new StorageError(code, `${path} cannot be written: ${why} (${code})`, { cause: error });
  }
}

export class Target {
  readonly path: string;
  readonly #mode: number;
  /** What the file was like when its content was last known, and the digest of that. */
  #known: { readonly stamp: string; readonly digest: string } | undefined;

  constructor(path: string, mode: number) {
    this.path = path;
    this.#mode = mode;
  }

  /** What is there; undefined when there is no file. */
  async read(): Promise<Buffer | undefined> {
    try {
      return await readFile(this.path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (isDenied(error)) throw new StorageError(code!, unreadable(this.path, error), { cause: error });
      return await writing(this.path, () => Promise.reject(error as Error));
    }
  }

  /** The digest of what is there; the content is only read when the file is another one than before. */
  async digest(): Promise<string | undefined> {
    const stamp = await this.#stamp();
    if (stamp !== undefined && stamp === this.#known?.stamp) return this.#known.digest;
    const content = await this.read();
    if (content === undefined) return undefined;
    const digest = digestOf(content);
    // A file that changes while it is read is looked at again next time.
    this.#known = stamp !== undefined && stamp === (await this.#stamp()) ? { stamp, digest } : undefined;
    return digest;
  }

  /**
   * Replace it in one step. What a power cut takes back is put in place again by the next start, since
   * the journal and the good copy outlive it.
   * @throws {StorageError}, the file then being as it was
   */
  async publish(content: Uint8Array, digest: string): Promise<void> {
    const there = await stat(this.path).catch(() => undefined);
    await writing(this.path, () =>
      publishFile(this.path, content, { lasting: false, ...(!there && { mode: this.#mode }) }),
    );
    const stamp = await this.#stamp();
    this.#known = stamp === undefined ? undefined : { stamp, digest };
  }

  /** Remove what a publisher that was killed left beside it. */
  async tidy(): Promise<void> {
    await removeStrays(dirname(this.path)).catch(() => []);
  }

  /** Changes whenever the file does. */
  async #stamp(): Promise<string | undefined> {
    const found = await stat(this.path, { bigint: true }).catch(() => undefined);
    return found && `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  }
}
