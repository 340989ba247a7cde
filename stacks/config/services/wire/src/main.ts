/**
 * A wire between a sidecar and the config server that can be made bad: what a real server cannot be
 * asked to do, its network can. It carries bytes both ways until it is told otherwise on its control
 * port, a word a connection:
 *
 *   pass    carry everything again
 *   cut     reset every connection that is open now; new ones are carried
 *   halve   reset each connection in the middle of the next document that it carries
 *   freeze  keep connections open and carry nothing, not even their end; those stay so for ever
 *   count   only answer
 *
 * It answers with `{"open":…,"cut":…,"halved":…}`.
 */
import { connect, createServer, type Socket } from 'node:net';

const LISTEN = 8080;
const CONTROL = 9000;
const [host = 'config-server', port = '8080'] = process.argv.slice(2);

let mode: 'pass' | 'halve' | 'freeze' = 'pass';
const counts = { open: 0, cut: 0, halved: 0 };
const clients = new Set<Socket>();

function reset(socket: Socket, count: 'cut' | 'halved'): void {
  counts[count] += 1;
  socket.resetAndDestroy();
}

createServer({ noDelay: true }, (client) => {
  const server = connect({ host, port: Number(port), noDelay: true });
  /** The next bytes from the server answer a request for a document. */
  let document = false;
  let frozen = false;
  const isFrozen = (): boolean => (frozen ||= mode === 'freeze');
  clients.add(client);
  counts.open = clients.size;
  client.on('data', (bytes: Buffer) => {
    document ||= bytes.subarray(0, 18).toString('latin1') === 'GET /v1/documents/';
    if (!isFrozen()) server.write(bytes);
  });
  server.on('data', (bytes: Buffer) => {
    if (isFrozen()) return;
    const body = bytes.indexOf('\r\n\r\n') + 4;
    // An answer without a body (304) has nothing to halve.
    if (mode === 'halve' && document && bytes.length > body) {
      client.write(bytes.subarray(0, body + ((bytes.length - body) >> 1)), () => reset(client, 'halved'));
      return;
    }
    document = false;
    client.write(bytes);
  });
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const)
    one.on('error', () => {}).on('close', () => isFrozen() || other.destroy());
  client.on('close', () => {
    clients.delete(client);
    counts.open = clients.size;
  });
}).listen(LISTEN);

createServer((control) => {
  control.on('error', () => {});
  control.once('data', (bytes) => {
    const word = bytes.toString().trim();
    if (word === 'pass' || word === 'halve' || word === 'freeze') mode = word;
    if (word === 'cut') for (const client of clients) reset(client, 'cut');
    control.end(`${JSON.stringify(counts)}\n`);
  });
}).listen(CONTROL, '127.0.0.1');

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
