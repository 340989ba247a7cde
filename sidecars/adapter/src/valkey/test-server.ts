/** A server that answers as a test tells it: for what a real one never does. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The answer to a command, as bytes of RESP; undefined: none, unless `send` is called with it. */
export type Respond = (command: readonly string[], send: (bytes: string) => void) => string | undefined;

export interface TestServer {
  readonly port: number;
  /** Commands that came so far. */
  readonly asked: string[][];
  respond: Respond;
  close(): void;
}

/** Listen on a free port of 127.0.0.1. */
export async function testServer(respond: Respond): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let rest = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (;;) {
        const [command, length] = commandOf(rest);
        if (command === undefined) return;
        rest = rest.slice(length);
        it.asked.push(command);
        const answer = it.respond(command, (bytes) => void socket.write(bytes));
        if (answer !== undefined) socket.write(answer);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const it: TestServer = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    respond,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return it;
}

/** A bulk string. */
export const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

function commandOf(text: string): [command: string[] | undefined, length: number] {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return [undefined, 0];
  let at = head[0].length;
  const words: string[] = [];
  for (let index = 0; index < Number(head[1]); index++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (size === null) return [undefined, 0];
    at += size[0].length;
    if (text.length < at + Number(size[1]) + 2) return [undefined, 0];
    words.push(text.slice(at, at + Number(size[1])));
    at += Number(size[1]) + 2;
  }
  return [words, at];
}
