/**
 * A bound on the pieces of a body. Each chunk of HTTP/1.1 is a buffer and several calls, whatever its size: a body of a
 * megabyte in pieces of a byte holds a hundred megabytes, and Node works on all pieces that came in one read before it
 * looks at another connection.
 */
import type { IncomingMessage } from 'node:http';

/** So many pieces may a body have whatever its size: who writes by hand, or a line at a time. */
const FREE = 1024;
/** And one more for each so many bytes. */
const FAIR = 64;

/** End the connection of a message whose body comes in too many pieces, whoever reads it. */
export function limitPieces(message: IncomingMessage): void {
  const push = message.push.bind(message);
  let pieces = 0;
  let bytes = 0;
  message.push = (piece: Buffer | null, encoding?: BufferEncoding) => {
    if (piece === null) return push(null);
    pieces += 1;
    bytes += piece.length;
    if (pieces <= FREE + bytes / FAIR) return push(piece, encoding);
    // What is left of the read costs as little as may be.
    message.push = () => false;
    message.socket.destroy();
    return false;
  };
}
