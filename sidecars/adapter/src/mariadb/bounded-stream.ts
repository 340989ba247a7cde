/** A connection that ends itself when more comes than anybody means to read. */
import { connect, type TcpNetConnectOpts } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * Connect.
 * @param limit bytes that may come; the stream ends with an error past it
 */
export function boundedStream(options: TcpNetConnectOpts, limit: number): Duplex {
  const socket = connect(options);
  let bytes = 0;
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limit) stream.destroy(new Error(`the server answered more than ${limit} bytes`));
    else if (!stream.push(chunk)) socket.pause();
  });
  // What TLS compares with the certificate where no name is sent, as of a socket: without it, an address is not compared.
  Object.assign(stream, { _host: options.host });
  socket.on('connect', () => stream.emit('connect'));
  socket.on('end', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  socket.on('close', () => stream.destroy());
  return stream;
}
