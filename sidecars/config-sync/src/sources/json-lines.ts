/** A stream of JSON values, one a line, as grpc-gateway writes them. */

/** A line is longer than what is taken. */
export class LineTooLong extends Error {}

export class JsonLinesParser {
  readonly #onValue: (value: unknown) => void;
  readonly #max: number;
  #chunks: Buffer[] = [];
  #size = 0;

  /**
   * @param onValue called for each value
   * @param max most bytes of a line
   */
  constructor(onValue: (value: unknown) => void, max: number) {
    this.#onValue = onValue;
    this.#max = max;
  }

  /**
   * Take the next bytes, cut anywhere.
   * @throws {SyntaxError} when a line is not JSON
   * @throws {LineTooLong}
   */
  push(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...this.#chunks, rest.subarray(0, end)]).toString('utf8');
      this.#chunks = [];
      this.#size = 0;
      rest = rest.subarray(end + 1);
      if (line.trim() !== '') this.#onValue(JSON.parse(line));
    }
    if (rest.length === 0) return;
    this.#chunks.push(rest);
    this.#size += rest.length;
    if (this.#size > this.#max) throw new LineTooLong(`a line has more than ${this.#max} bytes`);
  }
}
