/** struct sockaddr_in and sockaddr_in6 (netinet/in.h), as the kernel of this machine writes them. */
import { endianness } from 'node:os';

export interface Destination {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

/** Of the larger one. */
export const SOCKADDR_SIZE = 28;
const AF_INET = 2;
const AF_INET6 = 10;
const LITTLE = endianness() === 'LE';

/** @returns undefined for another family */
export function addressOf(bytes: Buffer): Destination | undefined {
  const family = LITTLE ? bytes.readUInt16LE(0) : bytes.readUInt16BE(0);
  const port = bytes.readUInt16BE(2);
  if (family === AF_INET) return { address: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port };
  if (family !== AF_INET6) return undefined;
  const groups: string[] = [];
  for (let at = 8; at < 24; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return { address: shortened(groups), port };
}

/** RFC 5952: the longest run of zeros is left out, the first one of several. */
function shortened(groups: readonly string[]): string {
  let best = -1;
  let length = 1;
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === '0') to++;
    if (to - from > length) {
      best = from;
      length = to - from;
    }
  }
  if (best === -1) return groups.join(':');
  return `${groups.slice(0, best).join(':')}::${groups.slice(best + length).join(':')}`;
}
