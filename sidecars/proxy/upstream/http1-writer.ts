/** A request's body on its way to an endpoint in HTTP/1. */
import type { Socket } from 'node:net';
import { StreamWriter } from '#proxy/memory/stream-writer.ts';

/** Up to here a chunk is one text with its size, in bytes. */
const SMALL = 4096;

export class Http1Writer {
  readonly #socket: Socket;
  readonly #stream: StreamWriter;
  /** The body goes in chunks. */
  #chunks = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#stream = new StreamWriter(socket);
  }

  /** What was written waits for the endpoint to read it. */
  get blocked(): boolean {
    return this.#stream.blocked;
  }

  /** Begin a request. @param text its head, perhaps with the beginning of its body, as Latin-1 text */
  begin(text: string, chunks: boolean): void {
    this.#chunks = chunks;
    this.#stream.text(text);
  }

  /** Write a part of the body: see UpstreamStream. @returns false when the endpoint should be waited for */
  write(data: Buffer, raw: boolean): boolean {
    const stream = this.#stream;
    if (raw || !this.#chunks) stream.write(data);
    else if (data.length > SMALL) {
      this.#socket.cork();
      stream.text(`${data.length.toString(16)}\r\n`);
      stream.write(data);
      stream.text('\r\n');
      this.#socket.uncork();
    } else if (data.length > 0) stream.gather(`${data.length.toString(16)}\r\n${data.toString('latin1')}\r\n`);
    return !stream.blocked;
  }

  /** The body is complete: see UpstreamStream. */
  end(trailers: string, raw: boolean): void {
    const text = raw ? trailers : this.#chunks ? `0\r\n${trailers}\r\n` : '';
    if (text !== '') this.#stream.text(text);
  }
}
