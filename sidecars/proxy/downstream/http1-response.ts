/** A response in HTTP/1: its head, rewritten where it lies or as text, and its body as the client can read it. */
import type { Socket } from 'node:net';
import { CR, LF } from '#proxy/http/bytes.ts';
import { CHUNKED, UNKNOWN_LENGTH } from '#proxy/http/message.ts';
import type { Response } from '#proxy/http/response.ts';
import { statusLine } from '#proxy/http/responses.ts';
import { rewriteResponse } from '#proxy/http/rewrite.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { memoryBudget, MemoryClaim, type MemoryOwner } from '#proxy/memory/budget.ts';
import { HEADROOM, TAILROOM, type ReadBuffer } from '#proxy/upstream/buffers.ts';
import { DownstreamWriter } from './writer.ts';

/** Free bytes that are left before a head for the size of a body's first chunk. */
const CHUNK_SIZE_ROOM = TAILROOM + 2;

/** What may wait for an endpoint that takes a body too slowly, in bytes. */
const UPLOAD = 64 * 1024;

export class Http1Response implements MemoryOwner {
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  /** Bytes that wait in the other direction. */
  #received = 0;
  readonly #claim = new MemoryClaim(memoryBudget, this);
  readonly #writer: DownstreamWriter;
  /** The response's data gets chunks here. */
  #rechunks = false;
  /** The body's chunks are passed on as they come. */
  #chunked = false;
  /** A rewritten head that waits for the beginning of its body, where it lies. */
  #headStart = -1;

  constructor(context: ProxyContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    this.#writer = new DownstreamWriter(socket);
  }

  /**
   * Count what is kept for this client.
   * @param buffered bytes of the client that wait
   * @param uploads an endpoint takes its body too slowly
   */
  account(buffered: number, uploads: boolean): void {
    this.#received = buffered + (uploads ? UPLOAD : 0);
    this.#claim.set(this.#writer.kept + this.#received);
  }
  get taken(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }
  shed(): void {
    this.#context.stats.downstreamRefused('memory');
    this.#socket.destroy();
  }

  /** The connection is gone, or another protocol's: nothing is kept here. */
  close(): void {
    this.#claim.set(0);
  }

  /** Before the socket is ended: let what waits in here go ahead. */
  flush(): void {
    this.#writer.flush();
  }

  interim(response: Response): void {
    this.#writer.text(`${statusLine(response.status)}${response.lines()}\r\n`);
  }

  /** The connection becomes another protocol's. @param rest bytes of that */
  switch(response: Response, rest: Buffer): void {
    this.#writer.text(
      `${statusLine(101)}${response.lines()}Upgrade: ${response.upgrade}\r\nConnection: upgrade\r\n\r\n`,
    );
    if (rest.length > 0) this.#writer.write(rest, 0, rest.length, undefined);
    this.flush();
  }

  /**
   * Begin.
   * @param whole the body, where it is there already
   * @param minor the client's version of HTTP/1
   * @param last the connection is closed behind it
   */
  begin(response: Response, whole: Buffer | undefined, minor: number, last: boolean): void {
    this.#rechunks = response.body === UNKNOWN_LENGTH && minor > 0;
    this.#chunked = response.body === CHUNKED;
    let added = this.#rechunks ? 'Transfer-Encoding: chunked\r\n' : '';
    if (response.upgrade !== '')
      added += `Upgrade: ${response.upgrade}\r\nConnection: ${last ? 'close, upgrade' : 'upgrade'}\r\n`;
    else if (last) added += 'Connection: close\r\n';
    else if (minor === 0) added += 'Connection: keep-alive\r\n';
    const { inPlace } = response;
    const lines = added + (inPlace?.head.framing ?? '') + response.addedLines;
    if (inPlace !== undefined && lines.length <= HEADROOM - CHUNK_SIZE_ROOM) {
      const { head, bytes } = inPlace;
      if (head.minor !== 1) bytes[head.start + 7] = 49;
      this.#headStart = rewriteResponse(head, bytes, lines);
      return;
    }
    const framing = response.body === CHUNKED ? 'Transfer-Encoding: chunked\r\n' : response.lengthLine;
    const text = `${statusLine(response.status)}${response.lines()}${framing}${added}\r\n`;
    if (whole === undefined) this.#writer.text(text);
    else this.#writer.writeMessage(text, whole);
  }

  /** A part of the body, as Downstream.onData has it. @returns false when the client should be waited for */
  data(bytes: Buffer, start: number, end: number, reading: ReadBuffer | undefined): boolean {
    let from = start;
    let to = end;
    const headStart = this.#headStart;
    if (headStart !== -1) {
      // The head lies before the body's beginning, with nothing between them.
      this.#headStart = -1;
      from = headStart;
    }
    if (this.#rechunks && end > start) {
      const size = `${(end - start).toString(16)}\r\n`;
      if (reading === undefined && headStart === -1) {
        // There may be no room around these bytes.
        this.#writer.text(size);
        this.#writer.write(bytes, start, end, undefined);
        this.#writer.text('\r\n');
        return this.#ready();
      }
      from -= size.length;
      if (headStart !== -1) bytes.copyWithin(from, headStart, start);
      bytes.write(size, start - size.length, 'latin1');
      bytes[to++] = CR;
      bytes[to++] = LF;
    }
    if (to > from) this.#writer.write(bytes, from, to, reading);
    return this.#ready();
  }

  #ready(): boolean {
    if (this.#writer.ready) return true;
    this.#claim.set(this.#writer.kept + this.#received);
    return false;
  }

  /** The end of the body. @param trailers whole lines; of chunks that are passed on what is left to send */
  end(trailers: string): void {
    const rest = this.#rechunks ? `0\r\n${trailers}\r\n` : this.#chunked ? trailers : '';
    if (rest !== '') this.#writer.text(rest);
  }
}
