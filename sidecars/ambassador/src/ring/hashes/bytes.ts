/** Hashes that take a key byte by byte, as nutcracker computes them (twemproxy, src/hashkit). */
import { createHash } from 'node:crypto';
import type { Hash } from './hash.ts';

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

/** Bob Jenkins' one_at_a_time of 1997. */
export const oneAtATime: Hash = (key, start, end) => {
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

/** The first four bytes of the digest. */
export const md5: Hash = (key, start, end) =>
  createHash('md5').update(key.subarray(start, end)).digest().readUInt32LE(0);

export const fnv1a64 = fnv1a(FNV_64_INIT, FNV_64_PRIME);
export const fnv1a32 = fnv1a(FNV_32_INIT, FNV_32_PRIME);
export const fnv164 = fnv1(FNV_64_INIT, FNV_64_PRIME);
export const fnv132 = fnv1(FNV_32_INIT, FNV_32_PRIME);
