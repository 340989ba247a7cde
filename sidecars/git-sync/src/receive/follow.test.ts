/** Who asks to wait is told what becomes of a push: what the gate says, and the end. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Progress } from './progress.ts';
import { LONGEST_WAIT, waitOf } from './follow.ts';
import { github, open, payload, type Port } from './test-receiver.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];

interface Following {
  /** Events so far, by name. */
  readonly events: () => string[];
  readonly ended: Promise<string[]>;
  readonly abort: () => void;
}

/** Push, and follow. */
async function follow({ url }: Port, { after = A, ref = 'refs/heads/main', wait = 20 } = {}): Promise<Following> {
  const body = payload(ref, { after });
  const sent = httpRequest(url, { method: 'POST', headers: { ...github(body), prefer: `wait=${wait}` } }).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.is(response.statusCode, 200);
  assert.is(response.headers['preference-applied'], `wait=${Math.min(wait, LONGEST_WAIT)}`);
  // It is cut off by who aborts.
  response.on('error', () => {});
  let text = '';
  response.on('data', (chunk: Buffer) => (text += String(chunk)));
  const events = (): string[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { event: string }).event);
  return {
    events,
    ended: new Promise<void>((resolve) => response.once('close', resolve)).then(events),
    abort: () => sent.destroy(),
  };
}

test('a push that is live ends with that; with a verification, when the application is healthy', async () => {
  const progress = new Progress();
  const port = await open('main', 4096, progress);
  const plain = await follow(port);
  assert.is(port.pushes(), 1);
  progress.emit({ event: 'located', sync: progress.begin(), hash: A });
  progress.emit({ event: 'gate', hash: A, line: 'tests pass' });
  progress.emit({ event: 'live', hash: A, verifies: false });
  assert.equal(await plain.ended, ['accepted', 'gate', 'live']);

  const verified = await follow(port, { after: B });
  progress.emit({ event: 'located', sync: progress.begin(), hash: B });
  progress.emit({ event: 'live', hash: B, verifies: true });
  progress.emit({ event: 'located', sync: progress.begin(), hash: B });
  progress.emit({ event: 'live', hash: B, verifies: true });
  progress.emit({ event: 'healthy', hash: B });
  assert.equal(await verified.ended, ['accepted', 'live', 'healthy']);
  assert.is(progress.isFollowed, false);
  port.server.close();
});

test('a refusal ends it, and a failure does not', async () => {
  const progress = new Progress();
  const port = await open('main', 4096, progress);
  const { ended } = await follow(port);
  progress.begin();
  progress.emit({ event: 'failed', reason: 'unreachable', error: 'x', advice: 'y' });
  progress.emit({ event: 'located', sync: progress.begin(), hash: A });
  progress.emit({ event: 'refused', hash: A, by: 'gate', reason: 'no', live: B });
  assert.equal(await ended, ['accepted', 'failed', 'refused']);
  port.server.close();
});

test('a sync that ran before the push says nothing of it; a later one at another commit does', async () => {
  const progress = new Progress();
  const port = await open('main', 4096, progress);
  const running = progress.begin();
  const { ended, events } = await follow(port);
  progress.emit({ event: 'located', sync: running, hash: B });
  progress.emit({ event: 'live', hash: B, verifies: false });
  assert.equal(events(), ['accepted'].slice(0, events().length));
  progress.emit({ event: 'located', sync: progress.begin(), hash: C });
  assert.equal(await ended, ['accepted', 'superseded']);

  const earlier = progress.begin();
  progress.emit({ event: 'located', sync: earlier, hash: A });
  progress.emit({ event: 'gate', hash: A, line: 'one of two' });
  const late = await follow(port);
  progress.emit({ event: 'gate', hash: A, line: 'two of two' });
  progress.emit({ event: 'live', hash: A, verifies: false });
  assert.equal(await late.ended, ['accepted', 'gate', 'gate', 'live'], 'what it missed is told');

  const other = progress.begin();
  const lucky = await follow(port);
  progress.emit({ event: 'located', sync: other, hash: A });
  progress.emit({ event: 'live', hash: A, verifies: false });
  assert.equal(await lucky.ended, ['accepted', 'live'], 'it ran already, and saw the push all the same');
  port.server.close();
});

test('a tag leads to a commit of another name', async () => {
  const progress = new Progress();
  const port = await open('v1', 4096, progress);
  const { ended } = await follow(port, { ref: 'refs/tags/v1' });
  progress.emit({ event: 'located', sync: progress.begin(), hash: B });
  progress.emit({ event: 'live', hash: B, verifies: false });
  assert.equal(await ended, ['accepted', 'live']);
  port.server.close();
});

test('of a sync that says much, where it saw the ref and the last lines are remembered', () => {
  const progress = new Progress();
  progress.emit({ event: 'located', sync: progress.begin(), hash: A });
  for (let line = 0; line < 10_000; line++) progress.emit({ event: 'gate', hash: A, line: String(line) });
  assert.is(progress.recent.length, 200);
  assert.is(progress.recent[0]!.event, 'located');
  assert.equal(progress.recent.at(-1), { event: 'gate', hash: A, line: '9999' });
  progress.begin();
  assert.equal(progress.recent, []);
});

test('nobody waits longer than asked, and who goes away leaves nothing behind', async () => {
  const progress = new Progress();
  const port = await open('main', 4096, progress);
  const { ended } = await follow(port, { wait: 1 });
  assert.equal(await ended, ['accepted', 'pending']);
  const { abort } = await follow(port);
  assert.ok(progress.isFollowed);
  abort();
  await eventually('nobody is told any more', () => !progress.isFollowed);
  port.server.close();
});

test('the number of waiting requests is limited; later ones are answered at once', async () => {
  const progress = new Progress();
  const port = await open('main', 4096, progress);
  const waiting = [];
  for (let index = 0; index < 32; index++) waiting.push(await follow(port));
  const body = payload('refs/heads/main');
  const sent = httpRequest(port.url, { method: 'POST', headers: { ...github(body), prefer: 'wait=20' } }).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  assert.is(response.statusCode, 202);
  for (const each of waiting) each.abort();
  port.server.close();
  port.server.closeAllConnections();
});

test('the header is read as RFC 7240 has it', () => {
  const cases: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['wait=10', 10],
    ['respond-async, wait=10', 10],
    ['wait=10; foo=bar', 10],
    ['WAIT = "10"', 10],
    ['wait=0', undefined],
    ['wait=99999', LONGEST_WAIT],
    ['await=10', undefined],
    ['wait=1e3', undefined],
    ['wait=-5', undefined],
  ];
  for (const [header, seconds] of cases) assert.is(waitOf(header), seconds, String(header));
  fc.assert(
    fc.property(fc.string(), (header) => {
      const seconds = waitOf(header);
      assert.ok(seconds === undefined || (seconds > 0 && seconds <= LONGEST_WAIT));
    }),
  );
});

test.run();
