/**
 * What a key becomes before it is placed.
 * @param key bytes, of which those from `start` up to `end` are the key
 * @returns 32 bits, unsigned
 */
export type Hash = (key: Uint8Array, start: number, end: number) => number;
