/** Hashes that take several bytes of a key at a time, little-endian, as nutcracker computes them (twemproxy, src/hashkit). */
import type { Hash } from './hash.ts';

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Up to four bytes as a number; those behind the end are 0. */
function wordAt(key: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let index = Math.min(at + 4, end) - 1; index >= at; index--) word = (word << 8) | key[index]!;
  return word;
}

const MURMUR_MIX = 0x5bd1e995;
const MURMUR_SEED = 0xdeadbeef;

/** MurmurHash2 of Austin Appleby; the seed is made of the length. */
export const murmur: Hash = (key, start, end) => {
  const length = end - start;
  let hash = Math.imul(MURMUR_SEED, length) ^ length;
  let at = start;
  for (; end - at >= 4; at += 4) {
    let word = Math.imul(wordAt(key, at, end), MURMUR_MIX);
    word = Math.imul(word ^ (word >>> 24), MURMUR_MIX);
    hash = Math.imul(hash, MURMUR_MIX) ^ word;
  }
  if (at < end) hash = Math.imul(hash ^ wordAt(key, at, end), MURMUR_MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MURMUR_MIX);
  return (hash ^ (hash >>> 15)) >>> 0;
};

const JENKINS_START = 0xdeadbeef + 13;
const JENKINS_BLOCK = 12;

/** Bob Jenkins' lookup3 of 2006, with the initial value 13. */
export const jenkins: Hash = (key, start, end) => {
  let a = (JENKINS_START + (end - start)) | 0;
  let b = a;
  let c = a;
  if (start === end) return c >>> 0;
  let at = start;
  // The last block, a whole one too, is mixed in another way.
  for (; end - at > JENKINS_BLOCK; at += JENKINS_BLOCK) {
    a = (a + wordAt(key, at, end)) | 0;
    b = (b + wordAt(key, at + 4, end)) | 0;
    c = (c + wordAt(key, at + 8, end)) | 0;
    a = ((a - c) | 0) ^ rotated(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotated(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotated(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotated(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotated(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotated(b, 4);
    b = (b + a) | 0;
  }
  a = (a + wordAt(key, at, end)) | 0;
  b = (b + wordAt(key, at + 4, end)) | 0;
  c = (c + wordAt(key, at + 8, end)) | 0;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  return ((c ^ b) - rotated(b, 24)) >>> 0;
};

/** SuperFastHash of Paul Hsieh. A third byte that is left alone at the end counts as signed. */
export const hsieh: Hash = (key, start, end) => {
  let hash = 0;
  let at = start;
  for (; end - at >= 4; at += 4) {
    hash = (hash + wordAt(key, at, at + 2)) | 0;
    hash = (hash << 16) ^ ((wordAt(key, at + 2, at + 4) << 11) ^ hash);
    hash = (hash + (hash >>> 11)) | 0;
  }
  hash = lastOfHsieh(hash, key, at, end);
  if (start === end) return 0;
  hash ^= hash << 3;
  hash = (hash + (hash >>> 5)) | 0;
  hash ^= hash << 4;
  hash = (hash + (hash >>> 17)) | 0;
  hash ^= hash << 25;
  return (hash + (hash >>> 6)) >>> 0;
};

function lastOfHsieh(before: number, key: Uint8Array, at: number, end: number): number {
  let hash = (before + wordAt(key, at, Math.min(at + 2, end))) | 0;
  switch (end - at) {
    case 3:
      hash ^= hash << 16;
      hash ^= ((key[at + 2]! << 24) >> 24) << 18;
      return (hash + (hash >>> 11)) | 0;
    case 2:
      hash ^= hash << 11;
      return (hash + (hash >>> 17)) | 0;
    case 1:
      hash ^= hash << 10;
      return (hash + (hash >>> 1)) | 0;
    default:
      return before;
  }
}
