/**
 * A bound on the pieces of a body. Each chunk of HTTP/1.1 is a buffer and several calls, whatever its size: a body of a
 * megabyte in pieces of a byte holds a hundred megabytes, and Node works on all pieces that came in one read before it
 * looks at another connection.
 */
import type { IncomingMessage } from 'node:http';

/** Pieces that a body of any size may have: some clients write a line at a time. */
const FREE = 1024;
/** Bytes of a body that allow one piece more. */
const FAIR = 64;

/** End the connection of a message whose body comes in too many pieces, however it is read. */
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
