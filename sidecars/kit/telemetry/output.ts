/** Standard output that blocks nothing: its reader may be slow, hang, or be gone. */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** What is kept while nobody reads, in bytes; lines past it are lost, and counted. */
const LIMIT = 1024 * 1024;
/** Until the reader is tried again, in milliseconds. */
const RETRY = 20;
/** How long the end of the process waits for the reader, in milliseconds. */
const PATIENCE = 1000;

export class Output {
  readonly #fd: number;
  #waiting: Buffer[] = [];
  #lines = 0;
  #bytes = 0;
  #lost = 0;
  #retry: NodeJS.Timeout | undefined;
  /** Told how many lines were lost, once there is a reader again. */
  onLost: (lines: number) => void = () => {};

  /**
   * @param fd where to; where it does not block, nor does this
   * @param patience how long the end of the process waits for what is still to be read, in milliseconds
   */
  constructor(fd: number, patience = PATIENCE) {
    this.#fd = fd;
    process.once('exit', () => this.#finish(patience));
  }

  /** Write a line, now or as soon as somebody reads; never throws. @param line with its end */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > LIMIT) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    this.#lines += 1;
    // Behind others it waits for their timer.
    if (this.#retry === undefined) this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    let rest = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#waiting = [rest];
        this.#bytes = rest.length;
        this.#retry = setTimeout(() => this.#flush(), RETRY).unref();
        return;
      }
      // The reader is gone (EPIPE), or a disk is full: the next line tries again.
      this.#lost += this.#lines;
      this.#clear();
      return;
    }
    this.#clear();
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.onLost(lost);
  }

  #clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
    this.#lines = 0;
  }

  #finish(patience: number): void {
    const end = performance.now() + patience;
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (this.#waiting.length > 0) {
      this.#flush();
      if (this.#waiting.length === 0 || performance.now() > end) return;
      Atomics.wait(nothing, 0, 0, RETRY);
    }
  }
}

let standard: Output | undefined;

/** The process's standard output, for its log. */
export function standardOutput(): Output {
  // Node makes a pipe non-blocking when it is first asked for it; a reader that hangs would else stop the process.
  standard ??= new Output(isMainThread ? process.stdout.fd : 1);
  return standard;
}
