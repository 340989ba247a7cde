/** The shop: it says what it was told, on ports for all and for members; and something on loopback is nobody's business. */
import { createServer } from 'node:http';
import { SECRET, type Told } from './shop.ts';

const LARGE = Buffer.alloc(8 * 1024 * 1024, 'x');

const app = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  response.on('error', () => {});
  request.resume();
  const { url: target = '', headers } = request;
  if (target === '/large') return void response.end(LARGE);
  const caller = headers['x-forwarded-client-cert'] ?? null;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ target, caller: caller === null ? null : String(caller) } satisfies Told));
});
app.listen(8080);
createServer((request, response) => void app.emit('request', request, response)).listen(8081);
createServer((_request, response) => void response.end(SECRET)).listen(9001, '127.0.0.1');
