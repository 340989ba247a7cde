/** A response on its way from an endpoint, or from the proxy itself, to a client. */
import { CONTENT_LENGTH, TRANSFER_ENCODING, classify, namesEqual } from './field-names.ts';
import { Fields, pushLines } from './fields.ts';
import { CHUNKED, LENGTH, NO_BODY, UNKNOWN_LENGTH } from './message.ts';
import type { ResponseHead } from './response-head.ts';

export interface ResponseInit {
  readonly status: number;
  /** Whole, well-formed lines of the fields that are passed on: none of one hop, or of framing. */
  readonly lines?: string;
  /** NO_BODY, LENGTH, CHUNKED or UNKNOWN_LENGTH. */
  readonly body: number;
  /** Of a LENGTH body, in bytes; of one without a body what Content-Length says, -1 for nothing. */
  readonly length?: number;
  /** The protocol that a 101 or 426 names. */
  readonly upgrade?: string;
}

/** A head that still lies in the bytes that it was read from. */
export interface HeadInPlace {
  readonly head: ResponseHead;
  readonly bytes: Buffer;
  /** The body's bytes follow there too. */
  readonly withBody: boolean;
}

export class Response extends Fields {
  readonly status: number;
  #body: number;
  readonly length: number;
  readonly upgrade: string;
  /** The client must not send a further request on its connection. */
  close = false;
  readonly #lines: string;
  #detached = false;
  #inPlace: HeadInPlace | undefined;

  /** @param inPlace the head where it lies, when it came by HTTP/1; good until `onResponse` is over */
  constructor(init: ResponseInit, inPlace?: HeadInPlace) {
    super();
    this.status = init.status;
    this.#body = init.body;
    this.length = init.length ?? (init.body === NO_BODY ? -1 : 0);
    this.upgrade = init.upgrade ?? '';
    this.#lines = init.lines ?? '';
    this.#inPlace = inPlace;
  }

  /** NO_BODY, LENGTH, CHUNKED or UNKNOWN_LENGTH. */
  get body(): number {
    return this.#body;
  }

  /** Of a CHUNKED body: take its data, without the chunks that it comes in. To be said before it begins. */
  dechunk(): void {
    if (this.#body !== CHUNKED) return;
    this.#body = UNKNOWN_LENGTH;
    this.#inPlace?.head.dropCoding();
    // The data will be gathered elsewhere.
    if (this.#inPlace) this.#inPlace = { ...this.#inPlace, withBody: false };
  }

  protected override read(): string[] {
    const list: string[] = [];
    if (this.#detached) throw new Error('the fields of a response can be read first in onResponse, not later');
    if (this.#inPlace === undefined) {
      pushLines(list, this.#lines);
      return list;
    }
    const { head, bytes } = this.#inPlace;
    for (let field = 0; field < head.count; field++) {
      if (head.dropped[field] !== 0) continue;
      const kind = classify(bytes, head.fields[field * 4]!, head.fields[field * 4 + 1]!);
      if (kind !== CONTENT_LENGTH && kind !== TRANSFER_ENCODING)
        list.push(head.name(field, bytes), head.value(field, bytes));
    }
    return list;
  }

  protected override wholeLines(): string | undefined {
    return this.#inPlace === undefined && !this.#detached ? this.#lines : undefined;
  }

  /** As in Fields; a head that nobody has read yet is edited where it lies. */
  override delete(name: string): void {
    if (this.#inPlace === undefined || !this.unread || this.added !== '') {
      super.delete(name);
      return;
    }
    const { head, bytes } = this.#inPlace;
    for (let field = 0; field < head.count; field++) {
      const start = head.fields[field * 4]!;
      if (head.fields[field * 4 + 1]! - start === name.length && namesEqual(bytes, start, name)) head.drop(field);
    }
  }

  /** The head where it lies, while it can still be edited there; otherwise it is written anew from `lines()`. */
  get inPlace(): HeadInPlace | undefined {
    return this.changed || this.#inPlace?.withBody !== true ? undefined : this.#inPlace;
  }

  /** Whole lines that were added to a head that is edited in place. */
  get addedLines(): string {
    return this.added;
  }

  /** The bytes that the head lies in go back to their owner. */
  detach(): void {
    this.#detached = this.#inPlace !== undefined && this.unread;
    this.#inPlace = undefined;
  }

  /** Content-Length's line, where the length is known. */
  get lengthLine(): string {
    if (this.body === LENGTH) return `Content-Length: ${this.length}\r\n`;
    return this.body === NO_BODY && this.length >= 0 && this.status >= 200 && this.status !== 204
      ? `Content-Length: ${this.length}\r\n`
      : '';
  }
}
