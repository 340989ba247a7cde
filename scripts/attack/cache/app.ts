/** The application behind the cache under attack: its path says what it answers. */
import { createServer, type ServerResponse } from 'node:http';

const PORT = 8080;
const LARGE = Buffer.alloc(8 * 1024 * 1024 - 4096, 'x');
const BLOCK = Buffer.alloc(64 * 1024, 'x');
const STORED = { 'Cache-Control': 'max-age=600' };

/** By the first part of the path. */
const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  good: (response) => response.writeHead(200, { 'Cache-Control': 'max-age=1' }).end('hi'),
  stored: (response) => response.writeHead(200, STORED).end('x'),
  varying: (response) => response.writeHead(200, { ...STORED, Vary: 'Accept-Encoding, X-Any' }).end('x'),
  large: (response) => response.writeHead(200, { ...STORED, 'Content-Length': LARGE.length }).end(LARGE),
  private: (response) => response.writeHead(200, { 'Cache-Control': 'no-store' }).end(LARGE),
  small: (response) => response.writeHead(200, { 'Cache-Control': 'no-store' }).end('x'),
  /** Chunks without end, that say that they may be stored. */
  endless: (response) => {
    response.writeHead(200, STORED);
    const go = (): void => {
      while (!response.destroyed) if (!response.write(BLOCK)) return void response.once('drain', go);
    };
    go();
  },
  error: (response) => response.writeHead(500).end('x'),
  /** Never. */
  hung: () => {},
};

createServer({ maxHeaderSize: 65_536 }, (request, response) => {
  response.on('error', () => {});
  request.resume();
  const [, name = ''] = request.url!.split(/[/?]/, 2);
  (answers[name] ?? answers['small']!)(response);
}).listen(PORT, '127.0.0.1');
