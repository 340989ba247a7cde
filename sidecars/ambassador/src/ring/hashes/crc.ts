/** Checksums as hashes of keys, by the names that nutcracker gives them (twemproxy, src/hashkit). */
import type { Hash } from './hash.ts';

const CRC_16 = 0x1021;
/** Its bits reversed, as its lowest comes first. */
const CRC_32 = 0xedb88320;

/** What each value of a byte leaves when it is divided, highest bit first. */
function forward(): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let rest = byte << 8;
    for (let bit = 0; bit < 8; bit++) rest = (rest << 1) ^ (rest & 0x8000 ? CRC_16 : 0);
    return rest;
  });
}

/** The same, lowest bit first. */
function reversed(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? CRC_32 : 0);
    return rest;
  });
}

// Made at their first use: who asks for another hash has none of them.
let table16: Uint16Array | undefined;
let table32: Uint32Array | undefined;

/** CRC-16/XMODEM, of which nutcracker cuts nothing off: the lower 16 bits are the checksum. */
export const crc16: Hash = (key, start, end) => {
  table16 ??= forward();
  let rest = 0;
  for (let at = start; at < end; at++) rest = (rest << 8) ^ table16[((rest >>> 8) ^ key[at]!) & 0xff]!;
  return rest >>> 0;
};

/** CRC-32 of IEEE 802.3. */
export const crc32a: Hash = (key, start, end) => {
  table32 ??= reversed();
  let rest = -1;
  for (let at = start; at < end; at++) rest = (rest >>> 8) ^ table32[(rest ^ key[at]!) & 0xff]!;
  return ~rest >>> 0;
};

/** Fifteen bits of it, as libmemcached has them. */
export const crc32: Hash = (key, start, end) => (crc32a(key, start, end) >>> 16) & 0x7fff;
