/** The test store as a service: `_bulk`, and a port beside it by which the scenario says what fails. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { TestStore, type Fault } from '#kit/testing/bulk-store.ts';

const BULK_PORT = 9200;
const CONTROL_PORT = 9201;

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
      store.faults = JSON.parse(await text(request)) as Fault[];
      return void response.end('ok\n');
    case 'GET /counts':
      return void response.end(JSON.stringify(store.counts));
    case 'GET /documents':
      for (const document of store.documents.slice(Number(searchParams.get('after') ?? 0)))
        response.write(`${JSON.stringify(document)}\n`);
      return void response.end();
    case 'DELETE /documents':
      store.clear();
      return void response.end('ok\n');
    default:
      return void response.writeHead(404).end();
  }
}).listen(CONTROL_PORT);

// An init passes signals on; this ends at once, for nothing outlives it.
process.on('SIGTERM', () => process.exit(0));
