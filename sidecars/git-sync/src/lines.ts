/** Lines of a program's output, made fit to be shown on somebody's terminal. */
import { StringDecoder } from 'node:string_decoder';

/** A longer line is cut there, in characters. */
const LONGEST = 500;

/** Splits what comes in pieces into lines. */
export class Lines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(piece: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(piece)).split('\n');
    // What is cut from a long line is never kept.
    this.#rest = lines.pop()!.slice(0, LONGEST);
    for (const line of lines) this.#onLine(printable(line));
  }

  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#onLine(printable(rest));
  }
}

/** A line without escape sequences and control characters, which could forge what a terminal shows. */
export function printable(line: string): string {
  return (
    line
      // CSI and OSC sequences of ECMA-48, colours above all.
      // eslint-disable-next-line no-control-regex
      .replace(/\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)?)/g, '')
      .replaceAll('\t', '    ')
      .replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, '')
      .slice(0, LONGEST)
  );
}
