/**
 * A client's bytes are read into memory that is there already.
 *
 * Node allocates 64 KiB for each read of an accepted socket, cuts it to what came, and passes that through a
 * stream's queue. A connecting socket need not: it has the option `onread`. The fields behind that option are the
 * same on both, so an accepted one is given them here. They are no documented ones: a version of Node that has
 * others is noticed, and reads as before.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { charges, TurnShare } from '#proxy/loop/turn.ts';

/** One for all sockets: between the system's read and the end of the callback nothing else is read. */
const memory = Buffer.allocUnsafeSlow(64 * 1024);

/** So often a socket is read in one turn of the event loop: a record of TLS costs as much with one byte as with many. */
const READS_A_TURN = 64;

/** How a socket's stream is told where to read into. */
interface Handle {
  useUserBuffer?(memory: Uint8Array): void;
}

interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** Where Node keeps what `onread` says; undefined where this is not known. */
const fields = ((): Fields | undefined => {
  // Elsewhere the system writes into the memory while other sockets are served.
  if (process.platform !== 'linux') return undefined;
  const callback = (): boolean => true;
  const probe = new Socket({ onread: { buffer: memory, callback } }) as unknown as Record<symbol, unknown>;
  const holding = (value: unknown): symbol | undefined =>
    Object.getOwnPropertySymbols(probe).find((symbol) => probe[symbol] === value);
  const found = { buffer: holding(memory), callback: holding(callback) };
  return found.buffer === undefined || found.callback === undefined ? undefined : (found as Fields);
})();

/**
 * Have what a socket brings from now on given to a function, without its stream. `pause`, `resume` and the end of the
 * stream stay as they are; a little more may come after a pause on a TLS connection.
 * @param onBytes gets memory of its own; must not throw
 * @returns false where that cannot be had: the socket's `data` events go on
 */
export function readDirectly(socket: Duplex, onBytes: (bytes: Buffer) => void): boolean {
  if (fields === undefined || !(socket instanceof Socket)) return false;
  const inner = socket as unknown as Record<symbol, unknown> & { readonly _handle?: Handle | null };
  const { _handle: handle } = inner;
  // What the stream holds must come first.
  if (handle?.useUserBuffer === undefined || inner[fields.buffer] !== null || socket.readableLength > 0) return false;
  const share = new TurnShare(READS_A_TURN);
  let waits = false;
  const goOn = (): void => {
    if (share.left <= 0) return void setImmediate(goOn);
    waits = false;
    if (!socket.destroyed && !socket.isPaused()) socket.resume();
  };
  inner[fields.buffer] = memory;
  inner[fields.callback] = (size: number): boolean => {
    const bytes = Buffer.allocUnsafe(size);
    memory.copy(bytes, 0, 0, size);
    const before = charges();
    const { left } = share;
    onBytes(bytes);
    const cost = 1 + charges() - before;
    share.spend(cost);
    // More may be deciphered already, and comes in this turn.
    if (left > cost) return true;
    if (!waits) setImmediate(goOn);
    waits = true;
    return false;
  };
  handle.useUserBuffer(memory);
  return true;
}
