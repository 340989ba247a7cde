/** The store of the log shipper under attack: it takes everything, and keeps nothing. */
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

createServer(async (request, response) => {
  response.on('error', () => {});
  const body = await buffer(request).catch(() => undefined);
  if (body === undefined) return;
  const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  // An action and a document in turn, a line each.
  const count = Math.floor((String(text).split('\n').length - 1) / 2);
  const items = Array.from({ length: count }, () => ({ create: { status: 201 } }));
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ errors: false, items }));
}).listen(9200, '127.0.0.1');
