/** Connections on a carrier are what sockets are, however the carrier's bytes are cut, and none waits for another. */
import { once } from 'node:events';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { MemoryBudget } from '#proxy/memory/budget.ts';
import { recycle } from '#proxy/http2/output.ts';
import { INTERNAL_ERROR, REFUSED_STREAM } from '#proxy/http2/codes.ts';
import type { MultiplexedUser } from '#proxy/upstream/connection.ts';
import { Carrier } from './carrier.ts';
import type { Channel } from './channel.ts';

const MEMORY = 64 * 1024 * 1024;

/** What came on a connection that this side opened. */
class User implements MultiplexedUser {
  channel!: Channel;
  readonly #parts: Buffer[] = [];
  size = 0;
  ended = false;
  gone = false;
  error: unknown;
  /** Say stop to all that comes. */
  stops = false;
  onBytes(bytes: Buffer, start: number, end: number): boolean {
    // Valid during the call only.
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    this.size += end - start;
    return !this.stops;
  }
  refused = false;
  onRefused(): void {
    this.refused = true;
  }
  onGone(): void {
    this.gone = true;
  }
  onInternalError(error: unknown): void {
    this.error = error;
    this.channel.destroy();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Both sides of a carrier, whose bytes go from one to the other in pieces. */
class Pair {
  readonly accepted: Channel[] = [];
  readonly memory = new MemoryBudget(MEMORY);
  readonly errors: number[] = [];
  readonly client: Carrier;
  readonly server: Carrier;
  #scheduled = false;
  #over = false;
  readonly #piece: () => number;

  /** Connections that the server takes. */
  room = Infinity;

  constructor(piece: () => number = () => Infinity, onChannel: (channel: Channel) => void = () => {}) {
    this.#piece = piece;
    const user = {
      onOutput: () => this.#schedule(),
      onLast: () => {},
      onError: (code: number) => this.errors.push(code),
    };
    this.client = new Carrier('client', this.memory, user);
    this.server = new Carrier('server', this.memory, {
      ...user,
      admits: () => this.accepted.length < this.room,
      onChannel: (channel) => {
        this.accepted.push(channel);
        onChannel(channel);
      },
    });
    this.#schedule();
  }

  open(): User {
    const user = new User();
    user.channel = this.client.open(user);
    user.channel.on('end', () => (user.ended = true));
    return user;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pass(this.client, this.server);
      this.#pass(this.server, this.client);
    });
  }

  #pass(from: Carrier, to: Carrier): void {
    for (let chunk = from.http2.take(); chunk !== undefined; chunk = from.http2.take()) {
      const bytes = Buffer.from(chunk.bytes.subarray(0, chunk.end));
      recycle(chunk);
      for (let at = 0; at < bytes.length && !this.#over;) {
        const next = Math.min(bytes.length, at + this.#piece());
        // Memory of its own, which is somebody else's afterwards: on the server's side the chunk is kept, as a socket's is.
        const piece = Buffer.from(bytes.subarray(at, next));
        to.http2.receive(piece, 0, piece.length);
        if (to === this.client) piece.fill(0xee);
        at = next;
      }
      from.http2.transportHolds(0);
    }
  }

  lose(): void {
    this.#over = true;
    this.client.http2.close();
    this.server.http2.close();
  }
}

/** Write parts, each when the one before has left. */
async function write(channel: Channel, parts: readonly Buffer[], asText: boolean): Promise<void> {
  for (const part of parts) {
    const room = asText ? channel.write(part.toString('latin1'), 'latin1') : channel.write(part);
    if (!room) await once(channel, 'drain');
  }
  channel.end();
}

const arbitraryParts = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constantFrom(4096, 16_384, 16_385, 70_000)),
  { maxLength: 8 },
);
const filled = (sizes: readonly number[], seed: number): Buffer[] =>
  sizes.map((size, index) => Buffer.alloc(size, Buffer.from([seed, index, 0xff, 0x0d, 0x0a])));

test('whatever is written arrives, both ways, on all at once, with the end after it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(arbitraryParts, arbitraryParts, fc.boolean()), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
      async (conversations, pieces) => {
        let turn = 0;
        const pair = new Pair(() => pieces[turn++ % pieces.length]! * (turn % 7 === 0 ? 50 : 1));
        const users = conversations.map(() => pair.open());
        await eventually('all are there', () => pair.accepted.length === users.length, { every: 1 });
        const heard = pair.accepted.map((channel) => {
          const parts: Buffer[] = [];
          channel.on('data', (part: Buffer) => parts.push(part));
          return once(channel, 'end').then(() => Buffer.concat(parts));
        });
        await Promise.all(
          conversations.flatMap(([there, back, asText], index) => [
            write(users[index]!.channel, filled(there, index), asText),
            write(pair.accepted[index]!, filled(back, 100 + index), !asText),
          ]),
        );
        for (const [index, [there, back]] of conversations.entries()) {
          assert.is((await heard[index]!).compare(Buffer.concat(filled(there, index))), 0);
          await eventually('the end', () => users[index]!.ended, { every: 1 });
          assert.is(users[index]!.bytes.compare(Buffer.concat(filled(back, 100 + index))), 0);
        }
        await eventually('nothing is open', () => pair.client.http2.size + pair.server.http2.size === 0, { every: 1 });
        assert.equal(pair.errors, []);
        pair.lose();
        assert.is(pair.memory.used, 0);
      },
    ),
    { numRuns: 40 },
  );
});

test('a stopped connection gets no more than its window; all others go on, up to the limit', async () => {
  const pair = new Pair();
  const users: User[] = [];
  for (let index = 0; index < 100; index++) users.push(pair.open());
  await eventually('all are there', () => pair.accepted.length === 100);
  while (pair.client.http2.available > 0) users.push(pair.open());
  assert.is(users.length, 128);
  await eventually('all are there', () => pair.accepted.length === 128);
  for (const user of users.slice(1)) user.stops = true;
  const large = Buffer.alloc(1024 * 1024, 'x');
  for (const channel of pair.accepted.slice(1)) channel.end(large);
  await eventually('all but one are stopped', () => users.slice(1).every(({ size }) => size === 256 * 1024));
  pair.accepted[0]!.end(large);
  await eventually('it has all of it', () => users[0]!.size === large.length);
  for (const user of users.slice(1)) {
    user.stops = false;
    user.channel.resume();
  }
  await eventually('so have they', () => users.every(({ size, ended }) => size === large.length && ended));
  pair.lose();
  assert.is(pair.memory.used, 0);
});

test('what was written before the end leaves, although the peer reads it late', async () => {
  const pair = new Pair();
  const user = pair.open();
  user.stops = true;
  await eventually('it is there', () => pair.accepted.length === 1);
  const [channel] = pair.accepted;
  const size = 256 * 1024 + 10_000;
  channel!.write(Buffer.alloc(size, 'y'));
  channel!.destroySoon();
  await eventually('its window is used up', () => user.size === 256 * 1024);
  user.stops = false;
  user.channel.resume();
  await eventually('the rest comes, and the end', () => user.size === size && user.ended);
  await eventually('and nothing is open', () => user.channel.destroyed && pair.client.http2.size === 0);
});

test('what came before the peer was through is read to its end, however late', async () => {
  const pair = new Pair();
  const user = pair.open();
  user.channel.write('abc');
  user.channel.destroySoon();
  await eventually('the peer has nothing open', () => pair.accepted.length === 1 && pair.server.http2.size === 0);
  const [channel] = pair.accepted;
  assert.is(String(channel!.read()), 'abc');
  const ended = once(channel!, 'end');
  channel!.resume();
  await ended;
  await eventually('it is closed', () => channel!.destroyed);
});

test('a reset is an error, and says so at once; the end of both is none', async () => {
  const pair = new Pair();
  const [first, second, third] = [pair.open(), pair.open(), pair.open()];
  await eventually('all are there', () => pair.accepted.length === 3);
  const errors: unknown[] = [];
  for (const { channel } of [first, second, third])
    channel.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code));
  pair.accepted[0]!.destroy(new Error('boom'));
  await eventually('it is gone', () => first.gone && first.channel.destroyed && errors.length === 1);
  assert.equal(errors, ['ECONNRESET']);
  assert.not(first.ended);
  pair.accepted[1]!.resume().end();
  second.channel.end();
  await eventually('it ended well', () => second.ended && second.channel.destroyed);
  third.channel.destroy();
  await eventually('the peer hears of it', () => pair.accepted[2]!.destroyed);
  assert.is(errors.length, 1);
  assert.is(pair.client.http2.size + pair.server.http2.size, 0);
});

test('a carrier that is lost, or whose code throws, ends all that it carries', async () => {
  const pair = new Pair();
  const users = [pair.open(), pair.open()];
  await eventually('all are there', () => pair.accepted.length === 2);
  const boom = new Error('boom');
  pair.client.fail(boom);
  for (const user of users) assert.equal([user.error, user.gone], [boom, true]);
  const later = pair.open();
  pair.lose();
  assert.ok(later.gone, 'in the same turn: nobody else must be given it');
  assert.is(pair.client.http2.available, 0);
  assert.ok(pair.accepted.every(({ destroyed }) => destroyed));
});

test('a connection refused for lack of room loses what was sent on it; the others go on', async () => {
  const pair = new Pair();
  pair.room = 1;
  const [first, second] = [pair.open(), pair.open()];
  const errors: unknown[] = [];
  second.channel.on('error', (error) => errors.push(error));
  second.channel.write(Buffer.alloc(100_000));
  await eventually('it is gone', () => second.gone && second.channel.destroyed);
  assert.equal([second.refused, second.ended, first.refused, errors], [true, false, false, []]);
  pair.accepted[0]!.write('abc');
  await eventually('the first one goes on', () => String(first.bytes) === 'abc');
  // What was taken once and is reset then is lost, and not refused.
  pair.room = 2;
  const third = pair.open();
  third.channel.on('error', (error) => errors.push(error));
  await eventually('it is taken', () => third.channel.accepted);
  const [, stream] = [...pair.server.http2.streams];
  pair.server.http2.reset(stream!, REFUSED_STREAM);
  await eventually('it is lost', () => third.gone && errors.length === 1);
  assert.not(third.refused);
  assert.equal(pair.errors, []);
  pair.lose();
  assert.is(pair.memory.used, 0);
});

test('what is no CONNECT opens nothing', async () => {
  const pair = new Pair();
  const { encoder } = pair.client.http2;
  encoder.begin();
  for (const [name, value] of [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'a'],
    [':path', '/'],
  ] as const)
    encoder.text(name, value);
  const stream = pair.client.http2.request(undefined, false);
  await eventually('it is reset', () => stream.closed);
  assert.is(pair.accepted.length, 0);
  pair.client.http2.fail(INTERNAL_ERROR, 'done');
});

test.run();
