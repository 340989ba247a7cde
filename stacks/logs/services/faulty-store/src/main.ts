/** The test store as a service: `_bulk`, and a port beside it by which the scenario says what fails. */
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { TestStore, type Fault, type StoredDocument } from '#kit/testing/bulk-store.ts';

const BULK_PORT = 9200;
const CONTROL_PORT = 9201;
/** Documents that are written at once. */
const PAGE = 1000;

const store = new TestStore();

createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/_bulk') void store.answer(request, response);
  else response.writeHead(404).end();
}).listen(BULK_PORT);

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  switch (`${request.method} ${pathname}`) {
    case 'PUT /faults':
      return text(request).then(
        (faults) => {
          store.faults = JSON.parse(faults) as Fault[];
          response.end('ok\n');
        },
        () => response.destroy(),
      );
    case 'GET /counts':
      return void response.end(JSON.stringify(store.counts));
    case 'GET /documents':
      // No faster than they are read: hundreds of thousands at once are more than the container's memory.
      return pipeline(
        Readable.from(pages(store.documents.slice(Number(searchParams.get('after') ?? 0)))),
        response,
      ).catch(() => {
        // Who asked has gone.
      });
    case 'DELETE /documents':
      store.clear();
      return void response.end('ok\n');
    default:
      return void response.writeHead(404).end();
  }
}).listen(CONTROL_PORT);

// An init passes signals on; this ends at once, for nothing outlives it.
process.on('SIGTERM', () => process.exit(0));

/** Documents as lines of JSON, a limited number at a time. */
function* pages(documents: readonly StoredDocument[]): Generator<string> {
  for (let at = 0; at < documents.length; at += PAGE)
    yield documents
      .slice(at, at + PAGE)
      .map((document) => `${JSON.stringify(document)}\n`)
      .join('');
}
