/** Lines of HTTP/1 as fields of a block, and those of a message's fields that HTTP/2 may carry. */
import { CONNECTION, HOP_BY_HOP, TE, TRANSFER_ENCODING, UPGRADE, kindOf } from '#proxy/http/field-names.ts';
import { trimBlanks } from '#proxy/http/fields.ts';
import { LITERAL, type HpackEncoder } from './hpack-encoder.ts';

/** What a line was coded as that stays out. Codes of fields that are in a table are whole numbers. */
const LEFT_OUT = 0.5;
/** Lines, and heads, that are remembered for each connection; longer ones are not. */
const MOST_LINES = 64;
const LONGEST_LINE = 256;
const MOST_HEADS = 4;
const LONGEST_HEAD = 1024;

interface KnownHead {
  readonly lines: string;
  readonly codes: readonly number[];
}

/**
 * Writes lines into the block of a connection's encoder. What HTTP/2 has no use for stays out (RFC 9113, section
 * 8.2.2): a peer would take the whole block for malformed.
 *
 * Heads resemble each other, and what the peer's table holds is named by a number: lines that came before are told by
 * their text, and neither read nor copied again.
 */
export class LineWriter {
  readonly #encoder: HpackEncoder;
  readonly #leavesOut: (kind: number) => boolean;
  readonly #known = new Map<string, number>();
  /** The last one of them was remembered last. */
  readonly #heads: KnownHead[] = [];

  /** @param leavesOut told by a kind of `field-names.ts` */
  constructor(encoder: HpackEncoder, leavesOut: (kind: number) => boolean = isOfHttp1) {
    this.#encoder = encoder;
    this.#leavesOut = leavesOut;
  }

  /** @param lines whole lines, each with its CRLF */
  write(lines: string): void {
    if (lines === '' || this.#repeat(lines)) return;
    const codes: number[] = [];
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf('\r\n', start);
      if (end === -1) return;
      const code = this.#line(lines.slice(start, end));
      if (code === undefined) return;
      if (code !== LEFT_OUT) codes.push(code);
      start = end + 2;
    }
    if (lines.length > LONGEST_HEAD || codes.includes(LITERAL)) return;
    if (this.#heads.length === MOST_HEADS) this.#heads.shift();
    this.#heads.push({ lines: copyOf(lines), codes });
  }

  /** @returns false when these lines are not known, or no longer in the tables, and nothing was written */
  #repeat(lines: string): boolean {
    const heads = this.#heads;
    for (let index = heads.length - 1; index >= 0; index--) {
      const head = heads[index]!;
      if (head.lines !== lines) continue;
      if (head.codes.every((code) => this.#encoder.holds(code))) {
        for (const code of head.codes) this.#encoder.repeat(code);
        return true;
      }
      heads.splice(index, 1);
      return false;
    }
    return false;
  }

  /** @returns what it was coded as; undefined for what is no line */
  #line(line: string): number | undefined {
    const known = this.#known.get(line);
    if (known !== undefined && (known === LEFT_OUT || this.#encoder.repeat(known))) return known;
    const colon = line.indexOf(':');
    if (colon === -1) return undefined;
    const name = line.slice(0, colon);
    const code =
      name === '' || this.#leavesOut(kindOf(name))
        ? LEFT_OUT
        : this.#encoder.text(name, trimBlanks(line, colon + 1, line.length));
    if (code !== LITERAL && line.length <= LONGEST_LINE) {
      if (this.#known.size >= MOST_LINES) this.#known.clear();
      this.#known.set(copyOf(line), code);
    }
    return code;
  }
}

/** The same text in memory of its own: a part of a text holds the whole. */
const copyOf = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

/** Whether a kind of `field-names.ts` concerns one hop of HTTP/1 alone. */
export function isOfHttp1(kind: number): boolean {
  switch (kind) {
    case CONNECTION:
    case TRANSFER_ENCODING:
    case UPGRADE:
    case HOP_BY_HOP:
    case TE:
      return true;
    default:
      return false;
  }
}
