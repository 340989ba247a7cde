/** A TLS client that only writes: it closes its connection without having read what came behind the handshake. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { eventually } from './eventually.ts';

/** The client's side of TLS over a connection, which keeps back all but its first word. */
function keeping(socket: Socket): { duplex: Duplex; kept: Buffer[] } {
  const kept: Buffer[] = [];
  let answered = false;
  const duplex = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      if (answered) kept.push(bytes);
      else socket.write(bytes);
      done();
    },
  });
  socket.on('data', (bytes: Buffer) => {
    answered = true;
    duplex.push(bytes);
  });
  socket.on('error', () => {});
  duplex.on('error', () => {});
  return { duplex, kept };
}

/**
 * Send over TLS and close, before the server has answered the end of the handshake: its processes are stopped meanwhile.
 * @param port on 127.0.0.1
 * @param options `ca` PEM that the server's certificate for localhost is checked with; `processes` those that may take it
 * @param bytes more than the server's window, and less than what a kernel keeps to send
 */
export async function writeAndClose(
  port: number,
  { ca, processes }: { readonly ca: string; readonly processes: readonly number[] },
  bytes: Buffer,
): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const { duplex, kept } = keeping(socket);
  const client = connectTls({ socket: duplex, servername: 'localhost', ca });
  await once(client, 'secureConnect');
  client.write(bytes);
  await eventually('all is encrypted', () => client.writableLength === 0);
  // The last word of the handshake goes with the rest, so that what answers it comes when all is sent and closed.
  for (const pid of processes) process.kill(pid, 'SIGSTOP');
  const sent = Promise.withResolvers<void>();
  socket.write(Buffer.concat(kept), () => sent.resolve());
  await sent.promise;
  socket.destroy();
  for (const pid of processes) process.kill(pid, 'SIGCONT');
}
