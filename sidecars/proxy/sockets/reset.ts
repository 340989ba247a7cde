/** Ends a connection by a reset (RST), so that the other side reads an error and not an end. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { cFunctions } from '#kit/life/c-library.ts';

const SOL_SOCKET = 1;
const SO_LINGER = 13;
/** struct linger { on: 1, seconds: 0 }: close(2) resets (socket(7)). */
const AT_ONCE = Buffer.from(new Int32Array([1, 0]).buffer);

type SetSockOpt = (fd: number, level: number, option: number, value: Buffer, size: number) => number;

let setsockopt: SetSockOpt | undefined | 'unknown' = 'unknown';

/**
 * Reset a connection. Below TLS node:tls has no call for it, so it is asked for through node:ffi; without
 * `--experimental-ffi`, and for what is no TCP connection, it is destroyed.
 */
export function reset(socket: Duplex): void {
  if (socket.destroyed) return;
  if (socket instanceof TLSSocket) {
    const fd = (socket as unknown as { _handle: { fd?: number } | null })._handle?.fd ?? -1;
    if (fd >= 0) linger(fd);
    socket.destroy();
  } else if (socket instanceof Socket) socket.resetAndDestroy();
  else socket.destroy();
}

function linger(fd: number): void {
  if (setsockopt === 'unknown')
    setsockopt = cFunctions({
      setsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'i32'], return: 'i32' },
    })?.setsockopt as SetSockOpt | undefined;
  setsockopt?.(fd, SOL_SOCKET, SO_LINGER, AT_ONCE, AT_ONCE.length);
}
