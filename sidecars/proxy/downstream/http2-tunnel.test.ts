import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { TestConnection } from '#proxy/testing/http2.ts';
import { Http2Tunnel } from './http2-tunnel.ts';

const TURNS = 30;
const PIECES = 2000;

test('bytes that come one by one while a tunnel is not read are joined, and all are read then', async () => {
  const { connection } = new TestConnection('client');
  const released: unknown[] = [];
  const tunnel = new Http2Tunnel(
    Object.assign(Object.create(connection) as typeof connection, { release: (each: unknown) => released.push(each) }),
    connection.request(undefined, false),
  );
  const pieces: Buffer[] = [];
  tunnel.on('data', (piece: Buffer) => pieces.push(piece));
  tunnel.pause();
  const bytes = Buffer.alloc(PIECES, 'abcde');
  for (let turn = 0; turn < TURNS; turn++) {
    for (let at = 0; at < PIECES; at++) assert.not(tunnel.receive(bytes.subarray(at, at + 1)) && at > 0);
    await new Promise(setImmediate);
  }
  assert.is(pieces.length, 0);
  tunnel.resume();
  await eventually('all are read', () => Buffer.concat(pieces).length === TURNS * PIECES);
  assert.ok(Buffer.concat(pieces).equals(Buffer.concat(Array.from({ length: TURNS }, () => bytes))));
  assert.ok(pieces.length <= TURNS + 2, `${pieces.length} pieces`);
  await eventually('the peer may send more', () => released.length > 0);
  // It is read as it comes again.
  assert.ok(tunnel.receive(bytes));
  tunnel.receiveEnd();
  await eventually('the end', () => tunnel.readableEnded);
});

test.run();
