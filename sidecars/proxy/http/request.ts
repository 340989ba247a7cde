/** A request on its way from a client to an endpoint. */
import { CONTENT_LENGTH, HOST, TRANSFER_ENCODING, kindOf } from './field-names.ts';
import { Fields, pushLines } from './fields.ts';
import { CHUNKED, LENGTH, NO_BODY } from './message.ts';

export interface RequestInit {
  readonly method: string;
  /** A path with its query, or `*`. */
  readonly target: string;
  /** Host with or without a port; '' where an HTTP/1.0 client named none. */
  readonly authority: string;
  /** Whole, well-formed lines of the fields that are passed on: none of one hop, of framing, and no Host. */
  readonly lines?: string;
  /** NO_BODY, LENGTH or CHUNKED, which of a request means: of unknown length. */
  readonly body?: number;
  /** Of a LENGTH body, in bytes. */
  readonly length?: number;
  readonly upgrade?: string;
  readonly expectsContinue?: boolean;
  readonly acceptsTrailers?: boolean;
  /** A field of a trace is among the lines. */
  readonly traced?: boolean;
}

/** What an HTTP/1 request needs besides its own fields, which depends on the endpoint. */
export interface Http1Hop {
  /** The Host where the client named none. */
  readonly authority: string;
  /** The endpoint knows HTTP/1.0 only: it would not understand an expectation. */
  readonly http10: boolean;
  /** The connection is used for one request. */
  readonly close: boolean;
}

const EXPECTS_LENGTH = /^(?:POST|PUT|PATCH)$/;

export class Request extends Fields {
  #method: string;
  #target: string | undefined;
  #authority: string;
  readonly body: number;
  readonly length: number;
  /** The protocol that the client asks to change to (Upgrade, or RFC 8441's `:protocol`); '' for none. */
  readonly upgrade: string;
  /** The client sends its body only after 100 (Continue). */
  readonly expectsContinue: boolean;
  /** `te: trailers`: the client reads trailers, as gRPC does. */
  readonly acceptsTrailers: boolean;
  /** The client may say which trace it belongs to; false is certain. */
  readonly traced: boolean;
  /** The request line and all lines that go on, as HTTP/1; undefined where it came by another protocol. */
  readonly #wire: string | undefined;
  readonly #lines: string;

  /** @param wire the request line and the fields with Host and framing, as HTTP/1, where it came so: it is then passed on as it is */
  constructor(init: Omit<RequestInit, 'target'> & { readonly target?: string }, wire?: string) {
    super();
    this.#method = init.method;
    this.#target = init.target;
    this.#authority = init.authority;
    this.body = init.body ?? NO_BODY;
    this.length = init.length ?? 0;
    this.upgrade = init.upgrade ?? '';
    this.expectsContinue = init.expectsContinue ?? false;
    this.acceptsTrailers = init.acceptsTrailers ?? false;
    this.traced = init.traced ?? true;
    this.#lines = init.lines ?? '';
    this.#wire = wire;
  }

  get method(): string {
    return this.#method;
  }
  set method(method: string) {
    // The target is still only in the client's own line, after the method.
    void this.target;
    this.#method = method;
    this.changed = true;
  }

  get target(): string {
    if (this.#target === undefined) {
      const start = this.#method.length + 1;
      this.#target = this.#wire!.slice(start, this.#wire!.indexOf(' ', start));
    }
    return this.#target;
  }
  set target(target: string) {
    this.#target = target;
    this.changed = true;
  }

  /** The target without its query. */
  get path(): string {
    const { target } = this;
    const query = target.indexOf('?');
    return query === -1 ? target : target.slice(0, query);
  }

  get authority(): string {
    return this.#authority;
  }
  set authority(authority: string) {
    this.#authority = authority;
    this.changed = true;
  }

  protected override allLines(): string {
    return this.#wire ?? this.#lines;
  }

  /** The lines that came by HTTP/1, Host and framing among them, and those that were added; undefined where any was changed. */
  get keptLines(): string | undefined {
    if (this.#wire === undefined || this.changed) return undefined;
    return this.#wire.slice(this.#wire.indexOf('\r\n') + 2) + this.added;
  }

  protected override read(): string[] {
    const list: string[] = [];
    if (this.#wire === undefined) pushLines(list, this.#lines);
    else {
      const all: string[] = [];
      pushLines(all, this.#wire.slice(this.#wire.indexOf('\r\n') + 2));
      for (let index = 0; index < all.length; index += 2) {
        const kind = kindOf(all[index]!);
        if (kind !== HOST && kind !== CONTENT_LENGTH && kind !== TRANSFER_ENCODING)
          list.push(all[index]!, all[index + 1]!);
      }
    }
    return list;
  }

  /** The head as HTTP/1.1, with its blank line, as Latin-1 text. */
  toHttp1(hop: Http1Hop): string {
    let last = '';
    if (this.expectsContinue && !hop.http10) last += 'Expect: 100-continue\r\n';
    if (this.acceptsTrailers && this.upgrade === '') last += 'TE: trailers\r\n';
    if (this.upgrade !== '') last += `Upgrade: ${this.upgrade}\r\nConnection: upgrade\r\n`;
    else if (hop.close) last += this.acceptsTrailers ? 'Connection: close, TE\r\n' : 'Connection: close\r\n';
    else if (this.acceptsTrailers) last += 'Connection: TE\r\n';
    if (this.#wire !== undefined && !this.changed) {
      if (this.#authority === '') last = `Host: ${hop.authority}\r\n${last}`;
      return `${this.#wire}${this.added}${last}\r\n`;
    }
    const framing =
      this.body === LENGTH
        ? `Content-Length: ${this.length}\r\n`
        : this.body === CHUNKED
          ? 'Transfer-Encoding: chunked\r\n'
          : EXPECTS_LENGTH.test(this.#method)
            ? 'Content-Length: 0\r\n'
            : '';
    return `${this.#method} ${this.target} HTTP/1.1\r\nHost: ${this.#authority || hop.authority}\r\n${this.lines()}${framing}${last}\r\n`;
  }
}
