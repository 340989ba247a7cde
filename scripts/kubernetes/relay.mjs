/** Published ports of a run on a cluster, in a container beside its node: each argument is PORT=HOST:PORT. */
import { connect, createServer } from 'node:net';

for (const each of process.argv.slice(2)) {
  const [port, host, to] = each.split(/[=:]/);
  createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ host, port: Number(to), allowHalfOpen: true });
    // A reset on one side is one on the other.
    client.on('error', () => server.resetAndDestroy()).pipe(server);
    server.on('error', () => client.resetAndDestroy()).pipe(client);
  }).listen(Number(port), '0.0.0.0');
}
