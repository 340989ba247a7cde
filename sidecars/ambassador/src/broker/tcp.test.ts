/** TCP through the broker: connections move, and what goes by on them is not lost. */
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { rawApp } from '#proxy/testing/apps.ts';
import { connected, type RawClient } from '#proxy/testing/raw-client.ts';
import { startBrokerTest } from './test-broker.ts';

/** A server that says its name, and answers each line with it. */
const named =
  (name: string) =>
  (socket: Socket): void => {
    socket.write(`hello from ${name}\n`);
    socket.on('data', (bytes: Buffer) => {
      for (const line of String(bytes).trim().split('\n')) socket.write(`${name}: ${line}\n`);
    });
    socket.on('end', () => socket.end());
  };

const ask = async (talk: RawClient, line: string): Promise<string> => {
  const before = talk.text.length;
  talk.send(`${line}\n`);
  await talk.until(({ text, closed }) => closed || text.slice(before).includes(`: ${line}\n`));
  return talk.text.slice(before).trim();
};

test('a move: new connections go to the new server, an old one stays until nothing is under way', async () => {
  const a = await rawApp(named('a'));
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { grace: 1h }' });
  const old = await connected(broker.port);
  assert.is(await ask(old, 'one'), 'hello from a\na: one');
  await broker.to([b.port]);
  assert.is(await ask(old, 'two'), 'a: two');
  const fresh = await connected(broker.port);
  assert.is(await ask(fresh, 'three'), 'hello from b\nb: three');
  // How it is drained may be said anew.
  await broker.to([b.port], 'drain: { quiet: 300ms }');
  await old.until(({ closed }) => closed);
  assert.equal(broker.drained, ['quiet']);
  assert.is(await ask(fresh, 'four'), 'b: four');
  await eventually('nothing is left at the old server', () => broker.at(a.port) === 0);
  assert.is(broker.at(b.port), 1);
  a.close();
  b.close();
});

test('who waits for an answer is not closed, however long it takes, and gets it', async () => {
  let answer: (() => void) | undefined;
  const a = await rawApp((socket) =>
    socket.on('data', () => {
      answer = () => socket.write('at last\n');
    }),
  );
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { quiet: 10ms }' });
  const talk = await connected(broker.port);
  talk.send('question\n');
  await eventually('it is asked', () => answer !== undefined);
  await broker.to([b.port]);
  await steadily(() => assert.is(talk.closed, false), 600);
  answer!();
  await talk.until(({ text }) => text === 'at last\n');
  await talk.until(({ closed }) => closed);
  assert.is(talk.text, 'at last\n');
  a.close();
  b.close();
});

test('the grace: so long an old connection is left alone', async () => {
  const a = await rawApp(named('a'));
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { grace: 1h, quiet: 10ms }' });
  const talk = await connected(broker.port);
  await ask(talk, 'one');
  await broker.to([b.port]);
  await steadily(() => assert.is(talk.closed, false), 500);
  assert.is(await ask(talk, 'two'), 'a: two');
  talk.socket.destroy();
  a.close();
  b.close();
});

test('the limit: who never stops is cut', async () => {
  const a = await rawApp((socket) => {
    const timer = setInterval(() => socket.write('tick'), 5);
    socket.on('close', () => clearInterval(timer));
  });
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { quiet: 10s, limit: 300ms }' });
  const talk = await connected(broker.port);
  await talk.until(({ text }) => text.includes('tick'));
  await broker.to([b.port]);
  await talk.until(({ closed }) => closed);
  assert.equal(broker.drained, ['limit']);
  a.close();
  b.close();
});

test('the new server is not there yet: connections wait for it, and what they sent arrives', async () => {
  const a = await rawApp(named('a'));
  const later = await freePort();
  await using broker = await startBrokerTest('tcp', [a.port]);
  await broker.to([later]);
  const talk = await connected(broker.port);
  talk.send('early\n');
  await eventually('it was tried in vain', () => broker.broker.wrong !== undefined);
  assert.match(broker.broker.wrong!, /^app: 127\.0\.0\.1:\d+: ECONNREFUSED$/);
  // The server is put elsewhere by the file: the connection that waits goes there.
  const b = await rawApp(named('b'));
  await broker.to([b.port]);
  await talk.until(({ text }) => text.includes('b: early\n'));
  assert.is(broker.unanswered, 0);
  assert.is(broker.broker.wrong, undefined);
  talk.socket.destroy();
  a.close();
  b.close();
});

test('no server in time: the connection is closed, and counted', async () => {
  await using broker = await startBrokerTest('tcp', [await freePort()], { wait: 150 });
  const talk = await connected(broker.port);
  await talk.until(({ closed }) => closed);
  assert.is(talk.text, '');
  assert.is(broker.unanswered, 1);
});

test('several servers: the first in the file, and the next one while it is down', async () => {
  const down = await freePort();
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [down, b.port]);
  for (let index = 0; index < 3; index++) {
    const talk = await connected(broker.port);
    assert.is(await ask(talk, 'one'), 'hello from b\nb: one');
    talk.socket.destroy();
  }
  // The one that is down is not tried first each time.
  assert.is(broker.stats.failures.length, 1);
  b.close();
});

test('the server dies within a connection: the client sees it; its next one uses the new server', async () => {
  const a = await rawApp(named('a'));
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { grace: 1h }' });
  const talk = await connected(broker.port);
  await ask(talk, 'one');
  await broker.to([b.port]);
  a.close();
  await talk.until(({ closed }) => closed);
  assert.is(await ask(await connected(broker.port), 'two'), 'hello from b\nb: two');
  b.close();
});

test('moves to and fro under load: every line is answered, by connections that come and go', async () => {
  const a = await rawApp(named('a'));
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { quiet: 100ms }' });
  let moves = 0;
  let lines = 0;
  const client = async (id: number): Promise<void> => {
    while (moves < 6) {
      const talk = await connected(broker.port);
      for (let index = 0; index < 20; index++) {
        const answer = await ask(talk, `${id}-${lines++}`);
        assert.match(answer, /[ab]: \d+-\d+$/);
      }
      talk.socket.end();
      await talk.until(({ closed }) => closed);
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, (_, id) => client(id)));
  for (; moves < 6; moves++) {
    const before = lines;
    await broker.to([moves % 2 === 0 ? b.port : a.port]);
    await eventually('the load goes on', () => lines > before + 100);
  }
  await clients;
  assert.is(broker.unanswered, 0);
  assert.ok(a.connections() > 0 && b.connections() > 0);
  a.close();
  b.close();
});

test('a large answer to a slow reader is not cut short by a move', async () => {
  const size = 8 * 1024 * 1024;
  const a = await rawApp((socket) => socket.on('data', () => socket.write(Buffer.alloc(size, 'x'))));
  const b = await rawApp(named('b'));
  await using broker = await startBrokerTest('tcp', [a.port], { more: 'drain: { quiet: 50ms }' });
  const talk = await connected(broker.port);
  talk.send('all\n');
  await talk.until(({ text }) => text.length > 0);
  talk.socket.pause();
  await broker.to([b.port]);
  await steadily(() => assert.is(broker.at(a.port), 1), 500);
  talk.socket.resume();
  await talk.until(({ text, closed }) => text.length === size || closed);
  assert.is(talk.text.length, size);
  a.close();
  b.close();
});

test.run();
