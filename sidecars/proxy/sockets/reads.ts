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
import { BYTES_A_PIECE, charges, TurnShare } from '#proxy/loop/turn.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { received } from '#proxy/memory/pressure.ts';

/** One for all sockets: between the system's read and the end of the callback nothing else is read. */
const memory = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * What is read of a socket in one turn of the event loop, in pieces: a read is one, since a record of TLS costs as much
 * with one byte as with many, and so are some of its bytes.
 */
const WORK_A_TURN = 64;
/** A read of no more bytes is not put off: that would cost more than most of them do. */
const SMALL = 4096;

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
  /** Bytes that wait for their turn. */
  let rest: Buffer[] | undefined;
  const deliver = (bytes: Buffer): void => {
    const before = charges();
    onBytes(bytes);
    const own = 1 + Math.floor(bytes.length / BYTES_A_PIECE);
    share.spend(own + charges() - before, own - 1);
  };
  const deliverRest = (): void => {
    const parts = rest;
    rest = undefined;
    for (const bytes of parts ?? []) {
      memoryBudget.charge(-bytes.length);
      if (!socket.destroyed) deliver(bytes);
    }
  };
  const onTurn = (): void => {
    deliverRest();
    if (!socket.destroyed && !socket.isPaused() && share.asks()) socket.resume();
  };
  const share = new TurnShare(WORK_A_TURN, onTurn, () => socket.remoteAddress);
  const keep = (bytes: Buffer): void => {
    if (rest === undefined) {
      rest = [];
      // Of TLS the end may have been deciphered together with what waits.
      socket.prependOnceListener('end', deliverRest);
    }
    rest.push(bytes);
    memoryBudget.charge(bytes.length);
    share.wait();
  };
  inner[fields.buffer] = memory;
  inner[fields.callback] = (size: number): boolean => {
    const bytes = Buffer.allocUnsafe(size);
    memory.copy(bytes, 0, 0, size);
    received(size);
    if (rest !== undefined || (size > SMALL && share.left <= 0)) {
      keep(bytes);
      return false;
    }
    deliver(bytes);
    if (share.left > 0) return true;
    // More may be deciphered already, and comes in this turn.
    share.wait();
    return false;
  };
  handle.useUserBuffer(memory);
  return true;
}
