/** Hashes of keys, as nutcracker computes them (twemproxy, src/hashkit): 32 bits, unsigned. */
import { createHash } from 'node:crypto';

export type Hash = (key: Uint8Array, start: number, end: number) => number;

// nutcracker keeps 32 bits of the 64-bit constants.
const FNV_64_INIT = 0x84222325;
const FNV_64_PRIME = 0x1b3;
const FNV_32_INIT = 2_166_136_261;
const FNV_32_PRIME = 16_777_619;

/** Its characters are signed: bytes from 128 on fill the upper bits with ones. */
const signed = (byte: number): number => (byte << 24) >> 24;

const fnv1a =
  (init: number, prime: number): Hash =>
  (key, start, end) => {
    let hash = init | 0;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ signed(key[at]!), prime);
    return hash >>> 0;
  };

const fnv1 =
  (init: number, prime: number): Hash =>
  (key, start, end) => {
    let hash = init | 0;
    for (let at = start; at < end; at++) hash = Math.imul(hash, prime) ^ signed(key[at]!);
    return hash >>> 0;
  };

const oneAtATime: Hash = (key, start, end) => {
  let hash = 0;
  for (let at = start; at < end; at++) {
    hash = (hash + signed(key[at]!)) | 0;
    hash = (hash + (hash << 10)) | 0;
    hash ^= hash >>> 6;
  }
  hash = (hash + (hash << 3)) | 0;
  hash ^= hash >>> 11;
  return (hash + (hash << 15)) >>> 0;
};

const md5: Hash = (key, start, end) => createHash('md5').update(key.subarray(start, end)).digest().readUInt32LE(0);

export const HASHES = {
  fnv1a_64: fnv1a(FNV_64_INIT, FNV_64_PRIME),
  fnv1a_32: fnv1a(FNV_32_INIT, FNV_32_PRIME),
  fnv1_64: fnv1(FNV_64_INIT, FNV_64_PRIME),
  fnv1_32: fnv1(FNV_32_INIT, FNV_32_PRIME),
  one_at_a_time: oneAtATime,
  md5,
} as const satisfies Record<string, Hash>;

export type HashName = keyof typeof HASHES;
