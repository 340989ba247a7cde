/**
 * Where a redirected connection was meant to go. nftables' `redirect` writes the proxy's own address over the
 * destination; the kernel's connection tracking remembers the one before, and tells it by getsockopt(2) with
 * SO_ORIGINAL_DST (linux/netfilter_ipv4.h) or IP6T_SO_ORIGINAL_DST. node:net has no getsockopt, so it is called
 * through node:ffi: `--experimental-ffi`.
 */
import type { Socket } from 'node:net';
import { cFunctions } from '#kit/life/c-library.ts';
import { plainAddress } from '#proxy/sockets/connection.ts';
import { addressOf, SOCKADDR_SIZE, type Destination } from './sockaddr.ts';

const SOL_IP = 0;
const SOL_IPV6 = 41;
/** The same number for both families. */
const SO_ORIGINAL_DST = 80;

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, size: Buffer) => number;

/** Finds out where a connection was meant to go. */
export type OriginalDestination = (socket: Socket) => Destination;

/**
 * By the kernel's connection tracking; a connection that was not redirected was meant for where it came.
 * @throws {Error} where this process may not call the C library
 */
export function fromKernel(): OriginalDestination {
  const getsockopt = findGetSockOpt();
  // One pair for all calls: each is over before the next begins.
  const value = Buffer.alloc(SOCKADDR_SIZE);
  const size = Buffer.alloc(4);
  return (socket) => {
    const local = localOf(socket);
    // node:net has no other name for it.
    const fd = (socket as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1;
    if (fd < 0) return local;
    const mapped = socket.localFamily === 'IPv4' || socket.localAddress?.startsWith('::ffff:') === true;
    size.writeUInt32LE(SOCKADDR_SIZE);
    if (getsockopt(fd, mapped ? SOL_IP : SOL_IPV6, SO_ORIGINAL_DST, value, size) !== 0) return local;
    return addressOf(value) ?? local;
  };
}

/** Where a connection came in. */
export function localOf(socket: Socket): Destination {
  return { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 };
}

function findGetSockOpt(): GetSockOpt {
  const functions = cFunctions({
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
  });
  if (functions === undefined)
    throw new Error(
      'the original destination of connections is read through node:ffi: start node with --experimental-ffi',
    );
  return (fd, level, option, value, size) => functions.getsockopt(fd, level, option, value, size);
}
