/** Bytes on their way out, gathered in buffers that come from a pool and go back to it. */

const SMALL = 4 * 1024;
/** Room for a 64 KiB body in frames, with its head. */
const LARGE = 72 * 1024;
/** Buffers of each size that are kept for the next one who needs one. */
const MAX_FREE = 64;

/** A part of the output: `bytes` up to `end`. */
export class OutputChunk {
  readonly bytes: Buffer;
  end = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }
}

const freeSmall: OutputChunk[] = [];
const freeLarge: OutputChunk[] = [];

function take(size: number): OutputChunk {
  return (size === SMALL ? freeSmall : freeLarge).pop() ?? new OutputChunk(size);
}

/** Give a chunk back. Nothing may refer to its bytes any more. */
export function recycle(chunk: OutputChunk): void {
  const free = chunk.bytes.length === SMALL ? freeSmall : freeLarge;
  if (free.length >= MAX_FREE) return;
  chunk.end = 0;
  free.push(chunk);
}

export class Output {
  /** Bytes that were written and not taken. */
  pending = 0;
  /** Counts chunks: a position in the current one is valid as long as this stays. */
  generation = 0;
  readonly #onFirst: () => void;
  readonly #full: OutputChunk[] = [];
  #current: OutputChunk | undefined;

  /** @param onFirst called when there are bytes to take where there were none */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
  }

  /**
   * The current chunk, with room for `size` further bytes; the writer moves `end` itself.
   * @param size at most 64 KiB
   */
  reserve(size: number): OutputChunk {
    if (this.pending === 0) this.#onFirst();
    this.pending += size;
    const current = this.#current;
    if (current !== undefined && current.end + size <= current.bytes.length) return current;
    return this.#next(size);
  }

  #next(size: number): OutputChunk {
    const current = this.#current;
    if (current === undefined) {
      this.generation++;
      return (this.#current = take(size <= SMALL ? SMALL : LARGE));
    }
    const next = take(LARGE);
    if (current.bytes.length === SMALL) {
      // What is there goes along, in the same place, so that one write carries all.
      current.bytes.copy(next.bytes, 0, 0, current.end);
      next.end = current.end;
      recycle(current);
    } else {
      this.generation++;
      this.#full.push(current);
    }
    return (this.#current = next);
  }

  /** The chunk in which positions of this generation lie. */
  get current(): OutputChunk | undefined {
    return this.#current;
  }

  /** The next bytes to be sent, which now belong to the caller: `recycle` them. Undefined when there are none. */
  take(): OutputChunk | undefined {
    const full = this.#full.shift();
    if (full !== undefined) {
      this.pending -= full.end;
      return full;
    }
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) this.pending -= current.end;
    return current;
  }

  /** Forget everything. */
  clear(): void {
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take()) recycle(chunk);
  }
}
