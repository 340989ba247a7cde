/** Two versions of an application: each says which it is. They take their time for a path that asks for it. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const LARGE = Buffer.alloc(4 * 1024 * 1024, 'x');
const SLOW = 200;

for (const [name, port] of [
  ['old', 8080],
  ['new', 8081],
] as const)
  createServer(async (request, response) => {
    response.on('error', () => {});
    request.on('error', () => {}).resume();
    if (request.url!.startsWith('/slow')) await sleep(SLOW);
    response.end(request.url!.startsWith('/large') ? LARGE : name);
  }).listen(port, '127.0.0.1');
