/** Attacks on the log shipper's forward port. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Value } from '../../../sidecars/log-shipper/src/forward/msgpack.ts';
import { encode } from '../../../sidecars/log-shipper/src/forward/test-encode.ts';
import { closed, dial, several } from '../client.ts';
import type { Random } from '../random.ts';
import type { Attack, AttackSuite } from '../suite.ts';

const PORT = 24_224;
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0xc0));
/** Until the good client comes again, in milliseconds. */
const AGAIN = 100;
/** Nearly as large as a message may be. */
const LARGE = 900_000;

const message = (fields: Readonly<Record<string, Value>>, option: Readonly<Record<string, Value>> = {}): Buffer =>
  encode(['attack', 1, new Map(Object.entries(fields)), new Map(Object.entries(option))]);

/** Connections that send until they are closed, or the signal says so. */
const senders =
  (count: number, next: (random: Random) => Buffer): Attack =>
  ({ random, signal }) =>
    several(count, async () => {
      const socket = await dial(PORT, signal);
      if (socket === undefined) return;
      socket.resume();
      while (!signal.aborted && !socket.destroyed) {
        if (socket.write(next(random))) await new Promise(setImmediate);
        else await Promise.race([once(socket, 'drain', { signal }), closed(socket, signal)]).catch(() => {});
      }
    });

/** Connections that send something, and then wait. */
const waiters =
  (count: number, text: (random: Random) => Buffer): Attack =>
  ({ random, signal }) =>
    several(count, async () => {
      const socket = await dial(PORT, signal);
      if (socket === undefined) return;
      socket.resume().write(text(random));
      await closed(socket, signal);
    });

/** Connections that hold their places by a byte now and then. */
const talkers: Attack = ({ signal }) =>
  several(100, async () => {
    const socket = await dial(PORT, signal);
    if (socket === undefined) return;
    socket.resume();
    for (const byte of message({ log: 'x'.repeat(LARGE) })) {
      if (signal.aborted || socket.destroyed) return;
      socket.write(Buffer.of(byte));
      await sleep(AGAIN, undefined, { signal }).catch(() => {});
    }
  });

const ACK = encode(new Map<Value, Value>([['ack', 'good']]));

class Closed extends Error {}

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9951',
  gauges: [],
  never: ['shipper_state_damaged_total', 'shipper_registry_errors_total'],
  attacks: {
    'connections that send nothing': waiters(100, () => Buffer.alloc(0)),
    'connections that send a byte now and then': talkers,
    'messages half sent': waiters(30, (random) => message({ log: 'x'.repeat(LARGE) }).subarray(0, random.below(LARGE))),
    'parts of lines without an end': senders(8, (random) =>
      message({
        log: 'x'.repeat(130_000),
        container_id: String(random.below(2 ** 31)),
        partial_message: 'true',
        partial_id: String(random.below(2 ** 31)),
        partial_ordinal: '1',
        partial_last: 'false',
      }),
    ),
    'large records': senders(8, () => message({ log: 'x'.repeat(LARGE) })),
    'small bodies that unpack to large ones': senders(8, () =>
      encode(['attack', BOMB, new Map<Value, Value>([['compressed', 'gzip']])]),
    ),
    'lengths that lie': senders(20, (random) => Buffer.of(random.pick([0xdd, 0xdf, 0xc6, 0xdb]), 255, 255, 255, 255)),
    'values within values': senders(20, () => Buffer.alloc(100_000, 0x91)),
    'random bytes': senders(20, (random) => random.bytes(1 + random.below(2000))),
  },
  /** As senders do, it comes again when it is refused. */
  async good(signal) {
    for (;;)
      try {
        return await acknowledged(signal);
      } catch (error) {
        if (signal.aborted || !(error instanceof Closed)) throw error;
        await sleep(AGAIN, undefined, { signal });
      }
  },
};

/** Send a message, from an address of its own: connections are shared out by address. */
async function acknowledged(signal: AbortSignal): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: PORT, localAddress: '127.0.0.2', signal });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    socket.once('data', resolve).once('error', (error) => reject(new Closed(error.message)));
    socket.once('close', () => reject(new Closed('the connection was closed')));
    socket.write(message({ log: 'good' }, { chunk: 'good' }));
    const answer = await promise;
    if (!answer.equals(ACK)) throw new Error(`answered ${answer.toString('hex')}`);
  } finally {
    socket.destroy();
  }
}
