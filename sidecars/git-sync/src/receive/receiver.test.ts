/** The webhook's port: real requests in the formats of three forges, and those of strangers. */
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { authenticate } from './authentic.ts';
import { Deliveries } from './deliveries.ts';
import { movesRef, parsePush } from './push.ts';
import { github, open, payload, post, SECRET, sign } from './test-receiver.ts';

test("GitHub's, Gitea's and GitLab's pushes are understood", async () => {
  const { url, pushes, server } = await open();
  const body = payload('refs/heads/main');
  assert.is(await post(url, body, github(body)), 202);
  const form = `payload=${encodeURIComponent(payload('refs/heads/main'))}`;
  assert.is(await post(url, form, github(form, { 'content-type': 'application/x-www-form-urlencoded' })), 202);
  const gitea = payload('refs/heads/main');
  assert.is(
    await post(url, gitea, {
      'x-gitea-event': 'push',
      'x-gitea-delivery': 'g1',
      'x-gitea-signature': sign(gitea),
      'x-hub-signature-256': 'sha256=0',
    }),
    202,
  );
  const gitlab = payload('refs/heads/main');
  assert.is(
    await post(url, gitlab, { 'x-gitlab-event': 'Push Hook', 'x-gitlab-event-uuid': 'l1', 'x-gitlab-token': SECRET }),
    202,
  );
  assert.is(pushes(), 4);
  server.close();
});

test('unsigned, wrongly signed and tampered ones get 401, and cause nothing', async () => {
  const { url, pushes, logs, verdicts, server } = await open();
  const body = payload('refs/heads/main');
  const right = github(body);
  const wrong: [string, Record<string, string>][] = [
    [body, { 'x-github-event': 'push' }],
    [body, { ...right, 'x-hub-signature-256': `sha256=${sign(body, 'another')}` }],
    [body, { ...right, 'x-hub-signature-256': sign(body) }],
    [body, { ...right, 'x-hub-signature-256': 'sha256=zz' }],
    [body, { ...right, 'x-hub-signature-256': 'sha256=' }],
    [`${body} `, right],
    [body, { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': 'guess' }],
    [body, { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': '' }],
    [body, { 'x-gitea-event': 'push', 'x-gitea-signature': sign(body, 'another') }],
    [body, { ...right, 'x-gitea-signature': '0'.repeat(64) }],
  ];
  for (const [text, headers] of wrong) assert.is(await post(url, text, headers), 401, JSON.stringify(headers));
  assert.is(pushes(), 0);
  assert.equal([...new Set(verdicts)], ['unsigned']);
  assert.not(logs.join('').includes(SECRET));
  server.close();
});

test('a rotated secret counts at once; without a secret nobody is believed', async () => {
  const { url, secretFile, server } = await open();
  writeFileSync(secretFile, 'rotated');
  const body = payload('refs/heads/main');
  assert.is(await post(url, body, github(body)), 401);
  assert.is(await post(url, body, { ...github(body), 'x-hub-signature-256': `sha256=${sign(body, 'rotated')}` }), 202);
  writeFileSync(secretFile, '');
  assert.is(await post(url, body, { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': '' }), 401);
  assert.is(await post(url, body, { ...github(body), 'x-hub-signature-256': `sha256=${sign(body, '')}` }), 401);
  server.close();
});

test('a recording is refused: by its delivery, by its body under another delivery, by its age', async () => {
  const { url, pushes, server } = await open();
  const body = payload('refs/heads/main');
  const headers = github(body);
  assert.is(await post(url, body, headers), 202);
  assert.is(await post(url, body, headers), 409);
  assert.is(await post(url, body, { ...headers, 'x-github-delivery': 'another' }), 409);
  const old = payload('refs/heads/main', {
    repository: { default_branch: 'main', pushed_at: Date.now() / 1000 - 7200 },
  });
  assert.is(await post(url, old, github(old)), 409);
  const fresh = payload('refs/heads/main', { repository: { default_branch: 'main', pushed_at: Date.now() / 1000 } });
  assert.is(await post(url, fresh, github(fresh)), 202);
  assert.is(pushes(), 2);
  server.close();
});

test('other refs and other events are ignored, and other methods refused', async () => {
  const { url, pushes, server } = await open('main');
  for (const ref of ['refs/heads/other', 'refs/heads/feature/main']) {
    const body = payload(ref);
    assert.is(await post(url, body, github(body)), 204);
  }
  const ping = '{"zen":"…"}';
  assert.is(await post(url, ping, github(ping, { 'x-github-event': 'ping' })), 204);
  assert.is(await post(url, ping, github(ping)), 400);
  assert.is((await request(url)).status, 405);
  assert.is(pushes(), 0);
  server.close();
});

test('bodies are bounded, whether they say how long they are or not', async () => {
  const { url, port, pushes, server, verdicts } = await open('main', 2048);
  const long = payload('refs/heads/main', { padding: 'x'.repeat(4096) });
  assert.is(await post(url, long, github(long)), 413);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
  socket.write(chunk.repeat(4));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
  socket.destroy();
  assert.equal(verdicts, ['oversized', 'oversized']);
  const body = payload('refs/heads/main');
  assert.is(await post(url, body, github(body)), 202);
  assert.is(pushes(), 1);
  server.close();
});

test('half a body holds nobody else up', async () => {
  const { url, port, server } = await open();
  const slow = Array.from({ length: 20 }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf');
    return socket;
  });
  const body = payload('refs/heads/main');
  assert.is(await post(url, body, github(body)), 202);
  for (const socket of slow) socket.destroy();
  server.close();
});

test('a push concerns the ref that is followed, by whatever name', () => {
  const push = (ref: string, defaultBranch?: string): Parameters<typeof movesRef>[0] => ({
    ref,
    after: undefined,
    defaultBranch,
    sentAt: undefined,
  });
  assert.ok(movesRef(push('refs/heads/main'), 'main'));
  assert.ok(movesRef(push('refs/heads/main'), 'refs/heads/main'));
  assert.ok(movesRef(push('refs/tags/v1'), 'v1'));
  assert.ok(movesRef(push('refs/heads/a/b'), 'a/b'));
  assert.ok(movesRef(push('refs/heads/trunk', 'trunk'), 'HEAD'));
  assert.ok(movesRef(push('refs/heads/trunk'), 'HEAD'));
  assert.not(movesRef(push('refs/heads/work', 'trunk'), 'HEAD'));
  assert.not(movesRef(push('refs/tags/v1', 'trunk'), 'HEAD'));
  assert.not(movesRef(push('refs/heads/main'), 'a'.repeat(40)));
});

test('whatever comes, parsing ends in a push or in nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.json(), fc.string()),
      fc.constantFrom('application/json', 'application/x-www-form-urlencoded', ''),
      (text, type) => {
        const push = parsePush(Buffer.from(text), type);
        assert.ok(push === undefined || /^refs\/(heads|tags)\/./.test(push.ref));
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (body, header) => {
      assert.is(authenticate({ 'x-hub-signature-256': header }, body, SECRET), undefined);
      assert.is(authenticate({ 'x-gitea-signature': header }, body, SECRET), undefined);
      const right = createHmac('sha256', SECRET).update(body).digest('hex');
      assert.is(authenticate({ 'x-hub-signature-256': `sha256=${right}` }, body, SECRET), 'github');
      assert.is(authenticate({ 'x-gitea-signature': right.toUpperCase() }, body, SECRET), 'gitea');
    }),
  );
});

test('what was seen is remembered in bounded memory, the newest longest', () => {
  const deliveries = new Deliveries(() => 0);
  for (let index = 0; index < 5000; index++) assert.not(deliveries.isReplay(`id-${index}`, undefined, undefined));
  assert.ok(deliveries.isReplay('id-4999', undefined, undefined));
  assert.ok(deliveries.isReplay('id-3000', undefined, undefined));
  assert.not(deliveries.isReplay('id-0', undefined, undefined), 'forgotten');
});

test.run();
