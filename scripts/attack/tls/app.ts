/** The application behind the sidecar under attack: it says what the path asks for. */
import { createServer, type ServerResponse } from 'node:http';

const PORT = 8080;
const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x');
/** Pieces of one byte that are written at once. */
const PIECES = 2000;

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/large': (response) => response.end(LARGE),
  /** Chunks of one byte, for as long as they are taken. */
  '/pieces': (response) => {
    const go = (): void => {
      if (response.destroyed) return;
      for (let piece = 0; piece < PIECES; piece++) response.write('x');
      if (response.writableNeedDrain) response.once('drain', go);
      else setImmediate(go);
    };
    go();
  },
  /** Interim responses without end. */
  '/interim': (response) => {
    const go = (): void => {
      if (response.destroyed || response.socket === null) return;
      for (let each = 0; each < PIECES; each++) response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      if (response.socket.writableNeedDrain) response.socket.once('drain', go);
      else setImmediate(go);
    };
    go();
  },
  /** Reads nothing of the request's body. */
  '/deaf': () => {},
  '/early': (response) => response.writeHead(403, { connection: 'close' }).end('no'),
};

createServer((request, response) => {
  response.on('error', () => {});
  const answer = answers[request.url ?? ''];
  if (request.url !== '/deaf') request.resume();
  if (answer) answer(response);
  else response.end('hi');
}).listen(PORT, '127.0.0.1');
