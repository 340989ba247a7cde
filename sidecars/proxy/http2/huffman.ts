/**
 * HPACK's Huffman code (RFC 7541, section 5.2 and appendix B). The code is canonical: codes of one
 * length follow each other in the order of their symbols, so the lengths alone define it.
 */

/** Bits of the code of each byte, and of the end-of-string symbol. */
// prettier-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const END_OF_STRING = 256;
/** Codes of more bits are written in two steps, so that 32 bits hold a step and what was left before. */
const ONE_STEP = 24;

const LENGTH = Uint8Array.from(LENGTHS);
// The tables are made for the first HTTP/2 string: loops as long as theirs would start the optimizing
// compiler in every process, 10 MB of memory that an HTTP/1 client has no use for.
let codes: Uint32Array | undefined;
let decoding: { readonly steps: Int32Array; readonly mayEnd: Uint8Array } | undefined;

function canonicalCodes(): Uint32Array {
  const canonical = new Uint32Array(LENGTHS.length);
  let code = 0;
  for (let length = 1; length <= 30; length++) {
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) if (LENGTHS[symbol] === length) canonical[symbol] = code++;
    code *= 2;
  }
  return canonical;
}

const EMITS = 1 << 9;
const STATE = EMITS - 1;
const SYMBOL_SHIFT = 16;
const INVALID = -1;

/**
 * The code's tree, walked four bits at a time: for each inner node and four bits, the node after
 * them and the symbol that they completed, if any. No code is shorter than five bits, so four
 * never complete two.
 */
function decodingTable(): { steps: Int32Array; mayEnd: Uint8Array } {
  const code = (codes ??= canonicalCodes());
  // Two children a node: an inner node's number, or -2 - symbol; -1 for none yet.
  const children: [number, number][] = [[-1, -1]];
  for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
    let node = 0;
    for (let bit = LENGTHS[symbol]! - 1; bit >= 0; bit--) {
      const side = (code[symbol]! >>> bit) & 1;
      if (bit === 0) children[node]![side] = -2 - symbol;
      else {
        if (children[node]![side] === -1) children[node]![side] = children.push([-1, -1]) - 1;
        node = children[node]![side]!;
      }
    }
  }
  const steps = new Int32Array(children.length * 16);
  for (let node = 0; node < children.length; node++)
    for (let bits = 0; bits < 16; bits++) steps[node * 16 + bits] = step(children, node, bits);
  // A string ends with fewer than eight bits of padding, which are the first ones of end-of-string.
  const mayEnd = new Uint8Array(children.length);
  for (let depth = 0, node = 0; depth < 8; depth++, node = children[node]![1]) mayEnd[node] = 1;
  return { steps, mayEnd };
}

function step(children: readonly [number, number][], from: number, bits: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = children[node]![(bits >>> bit) & 1]!;
    if (next === -2 - END_OF_STRING) return INVALID;
    if (next < 0) emitted = EMITS | ((-2 - next) << SYMBOL_SHIFT);
    node = Math.max(next, 0);
  }
  return node | emitted;
}

/**
 * Decode a string.
 * @param to where the text goes; it needs room for 8/5 of the coded bytes
 * @returns the end of the text in `to`, or -1 when the code or its padding is wrong
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const { steps, mayEnd } = (decoding ??= decodingTable());
  let node = 0;
  for (let index = start; index < end; index++) {
    const byte = bytes[index]!;
    let taken = steps[(node << 4) | (byte >>> 4)]!;
    if (taken === INVALID) return -1;
    if ((taken & EMITS) !== 0) to[at++] = taken >>> SYMBOL_SHIFT;
    taken = steps[((taken & STATE) << 4) | (byte & 15)]!;
    if (taken === INVALID) return -1;
    if ((taken & EMITS) !== 0) to[at++] = taken >>> SYMBOL_SHIFT;
    node = taken & STATE;
  }
  return mayEnd[node] === 1 ? at : -1;
}

/** How many bytes a string takes when it is coded. */
export function huffmanLength(bytes: Uint8Array, start: number, end: number): number {
  let bits = 0;
  for (let index = start; index < end; index++) bits += LENGTH[bytes[index]!]!;
  return (bits + 7) >>> 3;
}

/**
 * Code a string.
 * @param to where the coded bytes go; it needs room for `huffmanLength`
 * @returns their end
 */
export function encodeHuffman(bytes: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const table = (codes ??= canonicalCodes());
  let pending = 0;
  let count = 0;
  for (let index = start; index < end; index++) {
    const symbol = bytes[index]!;
    let code = table[symbol]!;
    let length = LENGTH[symbol]!;
    if (length > ONE_STEP) {
      pending = (pending << (length - 16)) | (code >>> 16);
      count += length - 16;
      while (count >= 8) to[at++] = pending >>> (count -= 8);
      code &= 0xffff;
      length = 16;
    }
    pending = (pending << length) | code;
    count += length;
    while (count >= 8) to[at++] = pending >>> (count -= 8);
  }
  if (count > 0) to[at++] = (pending << (8 - count)) | (0xff >>> count);
  return at;
}
