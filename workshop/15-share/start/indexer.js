// The indexer: it always has something to compute, and on POST /grow it takes memory without end. It listens on
// 127.0.0.1:9000 of its pod; the computing is done beside the answering.
const { createServer } = require('node:http');
const { Worker } = require('node:worker_threads');

new Worker('for (let index = 0; ; index = (index * 31 + 7) % 1000003);', { eval: true });

const kept = [];
const STEP = 16 * 1024 * 1024;
// Not more than this, for the sake of your machine.
const MOST = 512 * 1024 * 1024;

function grow() {
  if (kept.length * STEP >= MOST) return;
  kept.push(Buffer.alloc(STEP, kept.length + 1));
  setTimeout(grow, 10);
}

createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/grow') grow();
  response.end(`${(kept.length * STEP) / 1024 / 1024} MiB\n`);
}).listen(9000, '127.0.0.1');
