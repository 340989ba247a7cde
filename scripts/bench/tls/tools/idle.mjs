// usage: node idle.mjs PORT COUNT SECONDS — open COUNT TLS connections, make a request on each, and
// keep them open for a number of seconds. Prints `open COUNT` when all are there.
import { createSecureContext, connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';

const [port, count, seconds] = process.argv.slice(2).map(Number);
/** As many handshakes are under way at once. */
const AT_ONCE = 32;
// The certificate is the benchmark's own.
const secureContext = createSecureContext();
const options = { host: '127.0.0.1', port, servername: 'localhost', secureContext, rejectUnauthorized: false };
const sockets = [];

const one = () =>
  new Promise((resolve, reject) => {
    const socket = connect({ ...options, ALPNProtocols: ['http/1.1'] }, () =>
      socket.write('GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    socket.once('data', () => resolve(socket));
    socket.on('error', reject);
  });

const opener = async () => {
  while (sockets.length < count) {
    const place = sockets.push(undefined) - 1;
    sockets[place] = await one();
  }
};
await Promise.all(Array.from({ length: AT_ONCE }, opener));
console.log(`open ${sockets.length}`);
await sleep(seconds * 1000);
for (const socket of sockets) socket.destroy();
