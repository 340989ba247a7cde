/** What a simulated file is, beside its names. */

/** What a crash brings back. */
interface Durable {
  readonly bytes: Buffer;
}

export interface Inode {
  readonly number: number;
  readonly directory: boolean;
  /** Where a symbolic link leads. */
  readonly target?: string;
  bytes: Buffer;
  size: number;
  links: number;
  /** Descriptors that are open. */
  open: number;
  /** In microseconds since the epoch. */
  modified: number;
  changed: number;
  mode: number;
  /** What was there at the last fsync; absent when there was none. */
  synced: Durable | undefined;
}

/** An error as the system reports it. */
export function systemError(code: string, call: string, path = ''): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code, syscall: call, path });
}
