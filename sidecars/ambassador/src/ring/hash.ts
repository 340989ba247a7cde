/** Hashes of keys by their names, as nutcracker has them (twemproxy, src/hashkit). */
import { fnv132, fnv164, fnv1a32, fnv1a64, md5, oneAtATime } from './hashes/bytes.ts';
import { crc16, crc32, crc32a } from './hashes/crc.ts';
import type { Hash } from './hashes/hash.ts';
import { hsieh, jenkins, murmur } from './hashes/words.ts';

export const HASHES = {
  fnv1a_64: fnv1a64,
  fnv1a_32: fnv1a32,
  fnv1_64: fnv164,
  fnv1_32: fnv132,
  one_at_a_time: oneAtATime,
  md5,
  crc16,
  crc32,
  crc32a,
  hsieh,
  murmur,
  jenkins,
} as const satisfies Record<string, Hash>;

export type HashName = keyof typeof HASHES;
