/** A client's side of a conversation, byte by byte. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What a client has been told so far, and what to wait for. */
export class RawClient<S extends Socket = Socket> {
  readonly socket: S;
  text = '';
  closed = false;
  #wake: (() => void) | undefined;

  constructor(socket: S) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.text += chunk;
      this.#wake?.();
    });
    const end = (): void => {
      this.closed = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Wait until a condition holds. @throws after `deadline` milliseconds, with what was received */
  async until(condition: (talk: this) => boolean, deadline = 30_000): Promise<string> {
    const timer = setTimeout(() => {
      late = true;
      this.#wake?.();
    }, deadline);
    let late = false;
    try {
      while (!condition(this)) {
        if (late)
          throw new Error(`not in time; closed: ${this.closed}, received: ${JSON.stringify(this.text.slice(0, 2000))}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    } finally {
      clearTimeout(timer);
    }
    return this.text;
  }
}

/** Connect without TLS. */
export async function connected(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return new RawClient(socket);
}

/** Send text over a fresh connection; what came back until it was closed, or until `done`. */
export async function exchange(
  port: number,
  text: string,
  done: (talk: RawClient) => boolean = ({ closed }) => closed,
): Promise<string> {
  const talk = await connected(port);
  talk.send(text);
  try {
    return await talk.until(done);
  } finally {
    talk.socket.destroy();
  }
}
