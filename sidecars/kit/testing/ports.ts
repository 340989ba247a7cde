/** Ports of this machine's loopback address, for programs that are to listen there themselves. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * A port of 127.0.0.1 that nobody listens on, and that nobody else who asks for a free port is given
 * for the next minute: a connection to it is opened and closed from the port's side, so that the
 * kernel remembers it (TIME-WAIT, RFC 9293, 3.6.1) and leaves it out when it chooses a port, while a
 * program that names it may listen at once (SO_REUSEADDR, which Node and Go set).
 */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1').resume();
  const [accepted] = (await once(server, 'connection')) as [Socket];
  // The accepted side closes first: TIME-WAIT is on that side then, with this port.
  accepted.end();
  await once(client, 'close');
  server.close();
  await once(server, 'close');
  return port;
}

/** Several free ports, all different; see `freePort`. */
export async function freePorts(count: number): Promise<number[]> {
  return await Promise.all(Array.from({ length: count }, freePort));
}
