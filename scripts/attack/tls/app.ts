/** The application behind the sidecar under attack: it says what the path asks for. */
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const PORT = 8080;
const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x');
/** Pieces that are written at once, by hand: the application must have time for the good client. */
const PIECES = Buffer.from('1\r\nx\r\n'.repeat(2000));
const INTERIM = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'.repeat(2000));

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/large': (response) => response.end(LARGE),
  /** Chunks of one byte, for as long as they are taken. */
  '/pieces': (response) => {
    response.socket?.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    repeat(response.socket, PIECES);
  },
  /** Interim responses without end. */
  '/interim': (response) => repeat(response.socket, INTERIM),
  /** Reads nothing of the request's body: Node would take 64 KiB first, a piece of a byte at a time. */
  '/deaf': ({ socket }) => void socket?.pause(),
  '/early': (response) => response.writeHead(403, { connection: 'close' }).end('no'),
};

/** Write the same for as long as it is taken. */
function repeat(socket: Socket | null, bytes: Buffer): void {
  if (socket === null || socket.destroyed) return;
  if (socket.write(bytes)) setImmediate(repeat, socket, bytes);
  else socket.once('drain', () => repeat(socket, bytes));
}

createServer((request, response) => {
  response.on('error', () => {});
  const answer = answers[request.url ?? ''];
  if (request.url !== '/deaf') request.resume();
  if (answer) answer(response);
  else response.end('hi');
}).listen(PORT, '127.0.0.1');
