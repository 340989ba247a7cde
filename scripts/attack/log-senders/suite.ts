/** Attacks on the log shipper's ports for OTLP and for syslog. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { answerOf, closed, dial, several, PIECES } from '../client.ts';
import type { Random } from '../random.ts';
import type { Attack, AttackSuite } from '../suite.ts';

const OTLP = 4318;
const SYSLOG = 5514;
/** Good clients have an address of their own: connections are shared out by address. */
const OWN = '127.0.0.2';
/** Until a client comes again, in milliseconds. */
const AGAIN = 100;
const MEBIBYTE = 1024 ** 2;
const BOMB = gzipSync(Buffer.alloc(64 * MEBIBYTE, 0x0a));
const PROTOBUF = 'application/x-protobuf';

type Headers = Readonly<Record<string, string | number>>;

/** A request's head and body as they are sent. */
const post = (body: Buffer, headers: Headers = {}): Buffer => {
  const all = { host: 'x', 'content-type': PROTOBUF, 'content-length': body.length, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST /v1/logs HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
};
const json = (text: string): Buffer => post(Buffer.from(text), { 'content-type': 'application/json' });

/** A field of protocol buffers that has a length. */
const field = (number: number, body: Buffer): Buffer => {
  const head = Buffer.from([
    number * 8 + 2,
    0x80 | (body.length & 0x7f),
    0x80 | ((body.length >> 7) & 0x7f),
    body.length >> 14,
  ]);
  return Buffer.concat([head, body]);
};
/** Values within values, as an exporter would write them. */
const nested = (depth: number): Buffer => {
  let value: Buffer = Buffer.alloc(0);
  for (let at = 0; at < depth; at++) value = field(5, field(1, value));
  return field(1, field(2, field(2, field(5, value))));
};
/** A resource that each of many records would be stored with. */
const EXPANDING = (() => {
  const pair = Buffer.concat([field(1, Buffer.from('a')), field(2, field(1, Buffer.alloc(MEBIBYTE, 97)))]);
  return field(1, Buffer.concat([field(1, field(1, pair)), field(2, Buffer.alloc(900_000, Buffer.of(0x12, 0)))]));
})();
const RECORDS = field(1, field(2, Buffer.alloc(1_500_000, Buffer.of(0x12, 0x02, 0x10, 0x09))));
const NESTED = nested(2000);
const SMALL = `100 <13>1 - - - - - - ${'x'.repeat(81)}`;

/** Connections that send as fast as they are read, until they are closed or the signal says so. */
const senders =
  (port: number, count: number, next: (random: Random) => Buffer): Attack =>
  ({ random, signal }) =>
    several(count, async () => {
      const socket = await dial(port, signal);
      if (socket === undefined) return;
      socket.resume();
      while (!signal.aborted && !socket.destroyed) {
        if (socket.write(next(random))) await new Promise(setImmediate);
        else await Promise.race([once(socket, 'drain', { signal }), closed(socket, signal)]).catch(() => {});
      }
    });

/** Connections that send something, and then a byte now and then. */
const holders =
  (port: number, count: number, text: (random: Random) => Buffer): Attack =>
  ({ random, signal }) =>
    several(count, async () => {
      const socket = await dial(port, signal);
      if (socket === undefined) return;
      socket.resume().write(text(random));
      while (!signal.aborted && !socket.destroyed) {
        await sleep(AGAIN, undefined, { signal }).catch(() => {});
        socket.write('x');
      }
    });

/** Datagrams of many addresses, faster than they are taken in. */
const datagrams: Attack = ({ random, signal }) =>
  several(20, async (index) => {
    const socket = createSocket('udp4').on('error', () => {});
    await new Promise<void>((done) => socket.bind(0, `127.0.1.${index + 1}`, done));
    while (!signal.aborted) {
      for (let at = 0; at < 50; at++)
        socket.send(random.chance(0.1) ? Buffer.alloc(60_000, 60) : random.bytes(20), SYSLOG, '127.0.0.1', () => {});
      await new Promise(setImmediate);
    }
    socket.close();
  });

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9951',
  gauges: ['shipper_syslog_connections'],
  never: ['shipper_state_damaged_total', 'shipper_registry_errors_total'],
  attacks: {
    'OTLP: heads that do not end': holders(OTLP, 100, () => Buffer.from('POST /v1/logs HTTP/1.1\r\nhost: x\r\n')),
    'OTLP: bodies half sent': holders(OTLP, 100, (random) =>
      post(Buffer.alloc(4 * MEBIBYTE)).subarray(0, random.below(4 * MEBIBYTE)),
    ),
    'OTLP: bodies in pieces of a byte': senders(OTLP, 8, () =>
      Buffer.from(
        `POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF}\r\ntransfer-encoding: chunked\r\n\r\n${PIECES}`,
      ),
    ),
    'OTLP: small bodies that unpack to large ones': senders(OTLP, 8, () => post(BOMB, { 'content-encoding': 'gzip' })),
    'OTLP: a large resource of many records': senders(OTLP, 4, () => post(EXPANDING)),
    'OTLP: many small records': senders(OTLP, 4, () => post(RECORDS)),
    'OTLP: values within values': senders(OTLP, 8, () => post(NESTED)),
    'OTLP: JSON of many values': senders(OTLP, 8, (random) =>
      json(random.pick(['[', '{},', '{"a":']).repeat(1_000_000)),
    ),
    'OTLP: random bytes': senders(OTLP, 20, (random) =>
      random.chance(0.5) ? post(random.bytes(random.below(2000))) : random.bytes(1 + random.below(2000)),
    ),
    'syslog: connections that send a byte now and then': holders(SYSLOG, 100, () => Buffer.alloc(0)),
    'syslog: lengths that lie': senders(SYSLOG, 20, () => Buffer.from(`999999999 ${'x'.repeat(60_000)}`)),
    'syslog: lines without an end': senders(SYSLOG, 20, () => Buffer.alloc(60_000, 60)),
    'syslog: small messages': senders(SYSLOG, 8, () => Buffer.from(SMALL.repeat(500))),
    'syslog: structured data without an end': senders(SYSLOG, 8, (random) =>
      Buffer.from(`<13>1 - - - - - [a${random.pick([' b="c"', '\\"', '[', ' b="\\']).repeat(10_000)}\n`),
    ),
    'syslog: random bytes': senders(SYSLOG, 20, (random) => random.bytes(1 + random.below(2000))),
    'syslog: datagrams': datagrams,
  },
  /** As senders do, they come again when they are refused. */
  async good(signal) {
    await again(signal, exported);
    await again(signal, logged);
  },
};

class Refused extends Error {}

async function again(signal: AbortSignal, send: (signal: AbortSignal) => Promise<void>): Promise<void> {
  for (;;)
    try {
      return await send(signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof Refused)) throw error;
      await sleep(AGAIN, undefined, { signal });
    }
}

/** A record by OTLP. */
async function exported(signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const sent = request({
    host: '127.0.0.1',
    port: OTLP,
    localAddress: OWN,
    path: '/v1/logs',
    method: 'POST',
    headers,
    agent: false,
    signal,
  });
  const record = { body: { stringValue: 'good' } };
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
  const answer = await answerOf(sent, body).catch((error: Error) => {
    throw new Refused(error.message);
  });
  // The spool is full, for now.
  if (answer.status === 503) throw new Refused(answer.body);
  if (answer.status !== 200 || answer.body !== '{}') throw new Error(`answered ${answer.status} ${answer.body}`);
}

/** A message of syslog: it is taken in when the other end closes, too. */
async function logged(signal: AbortSignal): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: SYSLOG, localAddress: OWN, signal });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', (error) => reject(new Refused(error.message))).once('close', () => resolve());
    socket.resume().end('<13>1 - - good - - - good\n');
    await promise;
  } finally {
    socket.destroy();
  }
}
