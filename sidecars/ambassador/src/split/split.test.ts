/** Two versions behind one port: who answers whom, and what happens when the new one is bad. */
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startSplitTest, VISITOR, type TestSplit } from './test-split.ts';

const failing: RequestListener = (_, response) => response.writeHead(500).end('bad');
const hanging: RequestListener = () => {};
const GOOD_ANSWERS = 60;

/** Good answers of the old version, enough to compare the new one with it. */
async function warmUp(split: TestSplit): Promise<void> {
  for (let index = 0; index < GOOD_ANSWERS; index++)
    assert.is((await split.get('/', { cookie: VISITOR.old })).body, 'old');
}

test('newcomers get a cookie, a tenth of them the new version, and all stay where they are', async () => {
  await using split = await startSplitTest();
  const first = await Promise.all(Array.from({ length: 300 }, () => split.get('/')));
  assert.ok(Math.abs(first.filter(({ body }) => body === 'new').length - 30) <= 3);
  for (let round = 0; round < 2; round++) {
    const again = await Promise.all(first.map(({ cookie }) => split.get('/', { cookie: cookie! })));
    assert.equal(
      again.map(({ body }) => body),
      first.map(({ body }) => body),
    );
    assert.ok(
      again.every(({ cookie }) => cookie === undefined),
      'the cookie is set once',
    );
  }
});

test('another replica, and the same one after a restart, puts visitors where they were', async () => {
  await using one = await startSplitTest();
  await using other = await startSplitTest();
  const first = await Promise.all(Array.from({ length: 100 }, () => one.get('/')));
  const second = await Promise.all(first.map(({ cookie }) => other.get('/', { cookie: cookie! })));
  assert.equal(
    second.map(({ body }) => body),
    first.map(({ body }) => body),
  );
});

test('with a cookie of the application’s own none is set, and who has none gets the old version', async () => {
  await using split = await startSplitTest({ setsCookie: false });
  for (let index = 0; index < 50; index++)
    assert.equal(await split.get('/'), { status: 200, body: 'old', cookie: undefined });
  assert.is((await split.get('/', { cookie: VISITOR.new })).body, 'new');
});

test('requests that their client aborts are no errors of a version', async () => {
  await using split = await startSplitTest({ pause: 60_000 }, { new: hanging });
  await warmUp(split);
  for (let index = 1; index <= 8; index++) {
    const socket = connect(split.plane.port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nCookie: split=${VISITOR.new}\r\n\r\n`);
    await eventually('it is under way', () => split.seen.new.length === index);
    socket.destroy();
    await eventually('it is over', () => split.seen.new[index - 1]!.destroyed);
  }
  assert.equal(
    split.judged.filter(({ failed }) => failed),
    [],
  );
  assert.is(split.changes.length, 0);
});

test('a new version that answers with errors gets nothing any more; four errors do not do it', async () => {
  await using split = await startSplitTest({ pause: 60_000 }, { new: failing });
  await warmUp(split);
  for (let index = 0; index < 4; index++) assert.is((await split.get('/', { cookie: VISITOR.new })).status, 500);
  assert.is(split.changes.length, 0);
  await split.get('/', { cookie: VISITOR.new });
  assert.is((await split.get('/', { cookie: VISITOR.new })).body, 'old');
  assert.is(split.changes[0]!.state, 'backed-off');
  assert.equal(split.changes[0]!.new, { answers: 5, errors: 5 });
});

test('the new version is killed: every request is answered, by the old one', async () => {
  await using split = await startSplitTest({ pause: 60_000 });
  await warmUp(split);
  await split.servers.new.close();
  for (const method of ['GET', 'POST', 'PUT', 'GET', 'POST', 'GET', 'GET', 'GET']) {
    const body = method === 'GET' ? undefined : 'x'.repeat(1000);
    const got = await split.get('/', { method, cookie: VISITOR.new, ...(body !== undefined && { body }) });
    assert.equal([got.status, got.body], [200, 'old'], method);
  }
  assert.is(split.changes[0]!.state, 'backed-off');
  // Only those before it was backed off.
  assert.is(split.fallbacks, 5);
});

test('a request that may not be sent twice is not: POST to a version that hangs up', async () => {
  await using split = await startSplitTest({}, { new: (incoming) => void incoming.socket.destroy() });
  await warmUp(split);
  assert.is((await split.get('/', { method: 'POST', cookie: VISITOR.new, body: 'x' })).status, 502);
  assert.is(split.seen.old.filter(({ method }) => method === 'POST').length, 0);
  assert.is((await split.get('/', { cookie: VISITOR.new })).body, 'old');
});

test('the new version hangs: safe requests are answered by the old one; it is backed off as late', async () => {
  await using split = await startSplitTest({ timeout: 2000, pause: 60_000 }, { new: hanging });
  for (let index = 0; index < GOOD_ANSWERS; index++) await split.get('/', { cookie: VISITOR.old });
  const answers = await Promise.all(Array.from({ length: 8 }, () => split.get('/', { cookie: VISITOR.new })));
  assert.ok(answers.every(({ body }) => body === 'old'));
  await eventually('it is backed off', () => split.changes.length > 0);
  assert.is(split.plane.judge.share, 0);
});

test('an idle connection that the new version closes is no error', async () => {
  let closes = 0;
  await using split = await startSplitTest(
    {},
    {
      new: (incoming, response) => {
        // It hangs up as the second request on a connection comes, as servers do whose patience just ended.
        const { socket } = incoming as unknown as { socket: { used?: boolean; destroy(): void } };
        if (socket.used === true) {
          closes++;
          socket.destroy();
          return;
        }
        socket.used = true;
        response.end('new');
      },
    },
  );
  await warmUp(split);
  for (let index = 0; index < 20; index++) assert.is((await split.get('/', { cookie: VISITOR.new })).body, 'new');
  assert.ok(closes > 5, String(closes));
  await eventually('all are judged', () => split.plane.judge.open === 0);
  assert.is(split.judged.filter(({ failed }) => failed).length, 0);
});

test('a version that was mended comes back in steps', async () => {
  let bad = true;
  await using split = await startSplitTest(
    { pause: 100 },
    {
      new: (_, response) => void (bad ? response.writeHead(503).end() : response.end('new')),
    },
  );
  await warmUp(split);
  for (let index = 0; index < 5; index++) await split.get('/', { cookie: VISITOR.new });
  assert.is(split.changes[0]!.state, 'backed-off');
  bad = false;
  await eventually('it has its whole share', async () => {
    await split.get('/', { cookie: VISITOR.new });
    return split.changes.at(-1)!.state === 'whole';
  });
  assert.equal(
    split.changes.map(({ share }) => share),
    [0, 1, 2.5, 5, 10],
  );
});

test('a body that breaks off is an error', async () => {
  await using split = await startSplitTest(
    {},
    {
      new: (_, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half');
        setImmediate(() => response.destroy());
      },
    },
  );
  await split.get('/', { cookie: VISITOR.new }).catch(() => {});
  await eventually('it is counted', () => split.judged.some(({ version, failed }) => version === 'new' && failed));
});

test('mirrored: the old version answers all; the new one gets its share of copies with bodies', async () => {
  const bodies: string[] = [];
  await using split = await startSplitTest(
    { mirror: true, percent: 50 },
    {
      new: (incoming, response) => {
        let body = '';
        incoming.on('data', (part: Buffer) => (body += String(part)));
        incoming.on('end', () => {
          bodies.push(body);
          response.end('new');
        });
      },
    },
  );
  for (let index = 0; index < 100; index++) {
    const got = await split.get('/', { method: 'POST', body: `body ${index}` });
    assert.equal(got, { status: 200, body: 'old', cookie: undefined });
  }
  await eventually('the copies are answered', () => split.copies.length >= 48);
  assert.ok(split.copies.every((outcome) => outcome === 'answered'));
  assert.is(split.seen.old.length, 100);
  assert.ok(Math.abs(bodies.length - 50) <= 2, String(bodies.length));
  for (const body of bodies) assert.match(body, /^body \d+$/);
});

test('mirrored to a version that hangs: all are answered, and no more than 64 copies wait', async () => {
  await using split = await startSplitTest({ mirror: true, percent: 100 }, { new: hanging });
  for (let index = 0; index < 200; index++) assert.is((await split.get('/')).body, 'old');
  await eventually('64 have come', () => split.seen.new.length >= 64);
  assert.is(split.seen.new.length, 64);
  assert.equal([...new Set(split.copies)], ['too_many']);
  assert.is(split.copies.length, 136);
});

test('mirrored to a version that fails: it gets no more copies', async () => {
  await using split = await startSplitTest({ mirror: true, percent: 50, pause: 60_000 }, { new: failing });
  await eventually('it is backed off', async () => {
    assert.is((await split.get('/')).body, 'old');
    return split.changes.length > 0;
  });
  const before = split.seen.new.length;
  for (let index = 0; index < 50; index++) await split.get('/');
  assert.ok(split.seen.new.length - before <= 5);
});

test.run();
