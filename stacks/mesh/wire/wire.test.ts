/** Streams and TLS versions out of captures; TLS comes from Node's own. */
import { createServer, connect as connectPlain, type AddressInfo } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type SecureVersion } from 'node:tls';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { readStreams } from './pcap.ts';
import { chosenBy, notTls } from './tls.ts';

const test = suite('wire');

/** A frame of TCP between two fixed ends. */
function frame(sequence: number, payload: Buffer, flags = 0x18): Buffer {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(1000, 0);
  tcp.writeUInt16BE(2000, 2);
  tcp.writeUInt32BE(sequence >>> 0, 4);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(40 + payload.length, 2);
  ip[9] = 6;
  ip.set([10, 0, 0, 1], 12);
  ip.set([10, 0, 0, 2], 16);
  const ethernet = Buffer.alloc(14);
  ethernet.writeUInt16BE(0x0800, 12);
  const whole = Buffer.concat([ethernet, ip, tcp, payload, Buffer.alloc(Math.max(0, 6 - payload.length))]);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(whole.length, 8);
  return Buffer.concat([head, whole]);
}

function capture(frames: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt32LE(1, 20);
  return Buffer.concat([head, ...frames]);
}

test('segments in any order, and sent twice, become the stream that was sent', () => {
  const sent = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sent, fc.integer({ min: 0, max: 0xffffffff }), fc.infiniteStream(fc.nat()), (pieces, begin, random) => {
      let sequence = (begin + 1) >>> 0;
      const frames = pieces.map((piece) => {
        const made = frame(sequence, Buffer.from(piece));
        sequence = (sequence + piece.length) >>> 0;
        return made;
      });
      const mixed = [...frames, frames[0]!]
        .map((each) => ({ each, at: random.next().value }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ each }) => each);
      const [stream] = readStreams(capture([frame(begin, Buffer.alloc(0), 0x02), ...mixed]));
      assert.equal(stream, {
        from: '10.0.0.1:1000',
        to: '10.0.0.2:2000',
        bytes: Buffer.concat(pieces),
        whole: true,
      });
    }),
  );
});

test('a stream ends where a segment is missing', () => {
  const [stream] = readStreams(
    capture([frame(9, Buffer.alloc(0), 0x02), frame(10, Buffer.from('one')), frame(14, Buffer.from('two'))]),
  );
  assert.is(stream!.bytes.toString(), 'one');
});

test('what begins in the middle is said to', () => {
  const [stream] = readStreams(capture([frame(10, Buffer.from('one'))]));
  assert.not(stream!.whole);
});

/** What a client gets from a server of TLS on the wire. */
async function overTheWire(version: SecureVersion): Promise<Buffer> {
  const { cert, key } = await certify({ names: ['localhost'] });
  const server = createTlsServer({ cert, key, minVersion: version, maxVersion: version }, (socket) =>
    socket.end('a secret'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const chunks: Buffer[] = [];
  const relay = createServer((socket) => {
    const upstream = connectPlain((server.address() as AddressInfo).port, '127.0.0.1');
    upstream.on('data', (data: Buffer) => chunks.push(data));
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const client = connectTls({ port: (relay.address() as AddressInfo).port, rejectUnauthorized: false });
  await new Promise((resolve) => client.on('close', resolve).resume());
  server.close();
  relay.close();
  return Buffer.concat(chunks);
}

test('version and group of the key exchange are those that were agreed on', async () => {
  for (const [version, name, group] of [
    ['TLSv1.2', 'TLS 1.2', undefined],
    ['TLSv1.3', 'TLS 1.3', 'X25519MLKEM768'],
  ] as const) {
    const bytes = await overTheWire(version);
    assert.equal(chosenBy(bytes), { version: name, group });
    assert.is(notTls(bytes), undefined);
    assert.not(bytes.includes('a secret'));
  }
});

test('a word in the clear is seen, first or after a handshake', async () => {
  assert.match(notTls(Buffer.from('HTTP/1.1 200 OK\r\n'))!, /^at byte 0: "HTTP/);
  const bytes = await overTheWire('TLSv1.3');
  assert.match(notTls(Buffer.concat([bytes, Buffer.from('HTTP/1.1 200 OK\r\n')]))!, /HTTP/);
  assert.is(chosenBy(Buffer.from('HTTP/1.1 200 OK\r\n'.repeat(9))), undefined);
});

test('no bytes make the readers throw or hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      notTls(Buffer.from(bytes));
      for (const length of [0, 1, 37, 90]) chosenBy(Buffer.from([22, 3, 3, 0, 100, 2, 0, 0, length, ...bytes]));
    }),
  );
});

test.run();
