/** Watches and long polls of a real server. */
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { TestServer, TOKENS, Watch, type SeenEvent } from '../test-server.ts';

const server = new TestServer({ CONFIG_SERVER_MAX_WATCHERS: '20', CONFIG_SERVER_HEARTBEAT: '1s' });
test.before(() => server.start());
test.after(() => server.remove());

const brief = ({ event, data }: SeenEvent): string => `${event} ${String(data['key'])} ${String(data['version'])}`;
const lastId = (watch: Watch): string => watch.events.at(-1)!.id!;
const seen = (watch: Watch, count: number): Promise<unknown> =>
  eventually(`${count} events`, () => watch.events.length >= count);

test('a watch begins with what there is, and goes on with what happens', async () => {
  await server.put('a', '1');
  const watch = await Watch.open(server, '?key=a&key=b');
  await seen(watch, 1);
  await server.put('c', '1');
  await server.put('b', '1');
  await server.put('a', '2', 1);
  await seen(watch, 3);
  assert.equal(watch.events.map(brief), ['change a 1', 'change b 1', 'change a 2']);
  watch.close();
});

test('who comes back is told what was missed, and only that', async () => {
  const watch = await Watch.open(server, '?key=a&key=b');
  await seen(watch, 2);
  const id = watch.events.map((each) => Number(each.id)).toSorted((a, b) => a - b)[1]!;
  watch.close();
  await server.put('a', '3', 2);
  const headers = { 'if-match': '"1"' };
  await server.ask('/v1/documents/b', { method: 'DELETE', headers });
  for (const again of [
    await Watch.open(server, '?key=a&key=b', { headers: { 'last-event-id': String(id) } }),
    await Watch.open(server, `?key=a&key=b&since=${id}`),
  ]) {
    await seen(again, 2);
    assert.equal(again.events.map(brief), ['change a 3', 'change b 2']);
    assert.is(again.events[1]!.data['deleted'], true);
    const current = await Watch.open(server, '?key=a&key=b', { headers: { 'last-event-id': lastId(again) } });
    await server.put('mark', String(id)).then(async (made) => made.ok || server.put('mark', 'x', 1));
    await eventually('its first comment', () => current.comments > 0);
    assert.equal(current.events, []);
    again.close();
    current.close();
  }
});

test('more documents than a URL can name are watched by a POST', async () => {
  const keys = Array.from({ length: 5000 }, (_, index) => `some.document.with-a-long-name.${index}`);
  const [first, last] = [keys[0]!, keys.at(-1)!];
  await server.put(first, '1');
  const body = JSON.stringify({ keys, heartbeat: '1s' });
  const watch = await Watch.open(server, '', { method: 'POST', body });
  await seen(watch, 1);
  await server.put(last, '1');
  await server.put('not.watched', '1');
  await server.put(first, '2', 1);
  await seen(watch, 3);
  assert.equal(watch.events.map(brief), [`change ${first} 1`, `change ${last} 1`, `change ${first} 2`]);
  watch.close();
  for (const wrong of ['', '[]', '{"keys":["a b"]}', '{"more":1}', '{"heartbeat":"1h"}'])
    assert.is((await server.ask('/v1/watch', { method: 'POST', body: wrong })).status, 400, wrong);
});

test('a change says how many are told of it', async () => {
  const watches = await Promise.all([1, 2, 3].map(() => Watch.open(server, '?key=counted')));
  const other = await Watch.open(server, '?key=other');
  await server.put('counted', '1');
  for (const watch of watches) await seen(watch, 1);
  assert.equal(
    watches.map(({ events }) => events[0]!.data['watchers']),
    [3, 3, 3],
  );
  for (const watch of [...watches, other]) watch.close();
});

test('a revision of another store resets', async () => {
  for (const id of ['1', '999999999999999', 'abc']) {
    const watch = await Watch.open(server, '?key=a', { headers: { 'last-event-id': id } });
    await seen(watch, 2);
    assert.is(watch.events[0]!.event, 'reset', id);
    assert.is(brief(watch.events[1]!), 'change a 3');
    watch.close();
  }
});

test('changes are told in their order, and end on the last', async () => {
  await server.put('burst', '0');
  const watch = await Watch.open(server, '?key=burst');
  await seen(watch, 1);
  const socket = connect(Number(new URL(server.url('/')).port), '127.0.0.1');
  const request = (version: number): string =>
    `PUT /v1/documents/burst HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKENS.operator}\r\nIf-Match: "${version}"\r\nContent-Length: 1\r\n\r\nx`;
  socket.resume().write(Array.from({ length: 50 }, (_, index) => request(index + 1)).join(''));
  await eventually('the last of 50', () => watch.events.at(-1)!.data['version'] === 51);
  socket.destroy();
  const versions = watch.events.map(({ data }) => Number(data['version']));
  assert.equal(
    versions,
    versions.toSorted((a, b) => a - b),
  );
  watch.close();
});

test('reports are told to who asks for them', async () => {
  const [with_, without] = await Promise.all([
    Watch.open(server, '?key=a&reports=true'),
    Watch.open(server, '?key=a&reports=false'),
  ]);
  const body = JSON.stringify({ sidecar: 's', state: 'applied', at: '2026-01-01T00:00:00Z' });
  await server.ask('/v1/documents/a/versions/3/reports', { method: 'POST', body });
  await seen(with_, 2);
  assert.is(with_.events[1]!.event, 'report');
  assert.is(with_.events[1]!.data['state'], 'applied');
  await server.put('a', '4', 3);
  await seen(without, 2);
  assert.equal(without.events.map(brief), ['change a 3', 'change a 4']);
  with_.close();
  without.close();
});

test('a heartbeat comes when nothing else does', async () => {
  const watch = await Watch.open(server, '?key=none');
  await eventually('three comments', () => watch.comments >= 3);
  assert.equal(watch.events, []);
  watch.close();
});

test('a long poll waits for a change, and no longer than it was told', async () => {
  await server.put('poll', '1');
  const ask = (wait: string): Promise<Response> =>
    server.ask(`/v1/documents/poll?wait=${wait}`, { headers: { 'if-none-match': '"1"' } });
  const began = performance.now();
  assert.is((await ask('300ms')).status, 304);
  assert.ok(performance.now() - began >= 290);
  const waiting = ask('20s');
  await server.put('other', '1');
  await server.put('poll', '2', 1);
  const answer = await waiting;
  assert.is(answer.headers.get('etag'), '"2"');
  assert.is(await answer.text(), '2');
  assert.is(await (await ask('20s')).text(), '2', 'one that is behind does not wait');
  assert.is((await ask('soon')).status, 400);
  assert.is((await ask('1h')).status, 400);
});

test('no more may watch than the parameter says, and who goes makes room', async () => {
  const watches: Watch[] = [];
  const full = await eventually('the next is refused', async () => {
    try {
      watches.push(await Watch.open(server, ''));
      return false;
    } catch (error) {
      return (error as Error).message;
    }
  });
  assert.match(full, /^503 .*"busy"/);
  assert.ok(watches.length <= 20, `${watches.length} were let in`);
  watches.pop()!.close();
  await eventually('there is room', () => Watch.open(server, '').then((watch) => !watches.push(watch) || true));
  for (const watch of watches) watch.close();
});

test('a client that reads nothing is let go, and the others are served', async () => {
  const good = await eventually('there is room', () => Watch.open(server, '?key=slow'));
  await server.put('slow', '0');
  const dull = connect(Number(new URL(server.url('/')).port), '127.0.0.1').pause();
  let closed = false;
  dull.on('error', () => {}).on('close', () => (closed = true));
  dull.write(`GET /v1/watch?reports=true HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKENS.reader}\r\n\r\n`);
  const reason = 'x'.repeat(2000);
  const path = '/v1/documents/slow/versions/1/reports';
  let round = 0;
  await eventually(
    'the dull one is let go',
    async () => {
      const bodies = Array.from({ length: 100 }, (_, index) =>
        JSON.stringify({ sidecar: `s${index}`, state: 'applied', reason, at: new Date(++round * 1000).toISOString() }),
      );
      await Promise.all(bodies.map((body) => server.ask(path, { method: 'POST', body })));
      const metrics = await server.metrics();
      return /config_server_watchers 1\b/.test(metrics);
    },
    { within: 60_000 },
  );
  await server.put('slow', '1', 1);
  await eventually('the good one is told', () => good.events.at(-1)?.data['version'] === 2);
  dull.resume();
  await eventually('its connection is closed', () => closed);
  good.close();
});

test('at the end every watch and every poll is answered, and the exit code is 0', async () => {
  const watch = await Watch.open(server, '');
  const poll = server.ask('/v1/documents/poll?wait=60s', { headers: { 'if-none-match': '"2"' } });
  await eventually('both wait', async () => /config_server_watchers 2\b/.test(await server.metrics()));
  assert.is(await server.end(), 0);
  assert.is((await poll).status, 304);
  await eventually('the stream has ended', () => watch.ended);
});

test.run();
