// The application that a developer pushes. It knows nothing of how it gets to where it runs.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { page } from './page.js';

const version = 'Version 1';

const server = createServer(async (request, response) => {
  if (request.url === '/healthz') return response.end('ok\n');
  if (request.url !== '/') return response.writeHead(404).end('not found\n');
  const style = await readFile(join(import.meta.dirname, 'style.css'), 'utf8');
  return response.setHeader('content-type', 'text/html; charset=utf-8').end(page({ version, style }));
});

// Asked to end: let everybody finish who has begun.
process.once('SIGTERM', () => server.close());

server.listen(3000);
