/** The server over HTTP, without an engine: what is asked for in the wrong way, and what it says when no engine answers. */
import { request as httpRequest } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { EngineApi } from '../../scripts/lib/engine-api.ts';
import { Workspace } from '../lessons/workspace.ts';
import { Admission } from './admission.ts';
import { Cluster } from './cluster.ts';
import type { CourseDocument, PodsDocument } from './document.ts';
import { Events } from './events.ts';
import { Lessons } from './lessons.ts';
import { serve } from './server.ts';

const over = new AbortController();
const closers: (() => void)[] = [];

async function start() {
  const events = new Events();
  const admission = new Admission();
  const find = () => Promise.resolve(new EngineApi({ socketPath: '/nowhere/docker.sock' }));
  const cluster = new Cluster({ changed: (document) => events.tell('pods', document), find });
  const workspace = new Workspace(temporaryDirectory('workshop'), 'test');
  const lessons = new Lessons(workspace, (name, data) => events.tell(name, data), over.signal);
  const assets = { script: 'script', style: 'style' };
  const server = await serve({ port: 0, admission, cluster, events, lessons, assets });
  void cluster.run(over.signal);
  void lessons.run();
  closers.push(() => {
    events.close();
    server.closeAllConnections();
    server.close();
  });
  return { admission, workspace };
}

const { admission, workspace } = await start();
const cookie = (of: Admission): string => of.cookie.split(';')[0]!;

async function ask(
  path: string,
  {
    method = 'GET',
    body,
    headers = {},
    of = admission,
  }: { method?: string; body?: string; headers?: Record<string, string>; of?: Admission } = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    text: string;
    headers: Record<string, unknown>;
  }>();
  const { port } = new URL(of.origin);
  const own = {
    cookie: cookie(of),
    ...(method === 'POST' && { origin: of.origin, 'content-type': 'application/json' }),
  };
  const asked = httpRequest({ host: '127.0.0.1', port, path, method, headers: { ...own, ...headers } }, (response) => {
    let text = '';
    response.on('data', (piece: Buffer) => (text += piece.toString()));
    response.on('end', () => resolve({ status: response.statusCode!, text, headers: response.headers }));
  });
  asked.on('error', reject);
  asked.end(body);
  return promise;
}

/** The latest of one kind of event. */
async function told<T>(name: string): Promise<T> {
  const abort = new AbortController();
  const response = await fetch(`${admission.origin}/events`, {
    headers: { cookie: cookie(admission) },
    signal: abort.signal,
  });
  let text = '';
  try {
    for await (const piece of response.body!) {
      text += Buffer.from(piece).toString();
      const found = new RegExp(`event: ${name}\ndata: (.*)\n\n`).exec(text);
      if (found) return JSON.parse(found[1]!) as T;
    }
  } finally {
    abort.abort();
  }
  throw new Error(`no ${name}`);
}

test('the printed address is exchanged for a cookie, and the token leaves the address bar', async () => {
  const answer = await ask(`/?token=${admission.token}`, { headers: { cookie: '' } });
  assert.is(answer.status, 303);
  assert.is(answer.headers['location'], '/');
  assert.match(String(answer.headers['set-cookie']), /HttpOnly/);
  assert.is((await ask('/?token=wrong', { headers: { cookie: '' } })).status, 401);
});

test('nothing is served, not even the script, without the token', async () => {
  for (const path of ['/', '/page.js', '/page.css', '/events', '/log?id=x', '/notes', '/progress.json'])
    assert.is((await ask(path, { headers: { cookie: '' } })).status, 401, path);
});

test('the page lets nothing inline run, and nobody frame it', async () => {
  const { status, headers } = await ask('/');
  assert.is(status, 200);
  assert.match(String(headers['content-security-policy']), /script-src 'self'.*frame-ancestors 'none'/);
});

test('another host, another origin, another type: each is refused over HTTP', async () => {
  assert.is((await ask('/', { headers: { host: 'evil.example' } })).status, 403);
  const wish = { method: 'POST', body: '{"name":"1","action":"open"}' };
  assert.is((await ask('/exercise', { ...wish, headers: { origin: 'http://evil.example' } })).status, 403);
  assert.is((await ask('/exercise', { ...wish, headers: { 'content-type': 'text/plain' } })).status, 415);
  assert.is((await ask('/exercise', wish)).status, 204);
});

test('two servers do not meet: neither takes the token of the other', async () => {
  const other = (await start()).admission;
  assert.is((await ask('/', { of: other })).status, 200);
  assert.is((await ask('/', { of: other, headers: { cookie: cookie(admission) } })).status, 401);
  assert.is(
    (await ask('/', { of: other, headers: { cookie: `workshop-${new URL(other.origin).port}=${admission.token}` } }))
      .status,
    401,
  );
});

for (const [body, status] of [
  ['{}', 400],
  ['no json', 400],
  ['[]', 400],
  ['null', 400],
  ['{"kind":"format","id":"x"}', 400],
  ['{"kind":"kill"}', 400],
  ['{"kind":"kill","id":7}', 400],
  ['{"kind":"kill","id":"of-nobody-shown"}', 404],
  [`{"kind":"kill","id":"${'x'.repeat(5000)}"}`, 413],
] as const)
  test(`fault ${body.slice(0, 40)} gets ${status}`, async () => {
    assert.is((await ask('/fault', { method: 'POST', body })).status, status);
  });

test('there is no other wish, and no way to a shell', async () => {
  for (const path of ['/exec', '/shell', '/run', '/fault/../exec'])
    assert.is((await ask(path, { method: 'POST', body: '{}' })).status, 404, path);
  assert.is((await ask('/exercise', { method: 'POST', body: '{"name":"1","action":"sh"}' })).status, 400);
  assert.is((await ask('/exercise', { method: 'POST', body: '{"name":"../../scripts","action":"open"}' })).status, 409);
  assert.is((await ask('/show', { method: 'POST', body: '{"project":"somebody"}' })).status, 404);
});

test('of a container that is not shown there is no log', async () => {
  const { status, text } = await ask('/log?id=of-nobody-shown');
  assert.equal({ status, text }, { status: 204, text: '' });
});

test('without an engine the page is told what to do', async () => {
  const { engine } = await eventually('it is told', async () => {
    const document = await told<PodsDocument>('pods');
    return document.engine.advice.length > 0 && document;
  });
  assert.is(engine.state, 'away');
  assert.match(engine.advice.join('\n'), /docker\.sock[\s\S]*Needed: Docker Engine/);
});

test('an exercise without containers needs no engine, and turns green by the edit', async () => {
  interface Lesson {
    readonly results: readonly { state: string }[];
    readonly recap: string | null;
    readonly complaint: string | null;
  }
  assert.is((await ask('/exercise', { method: 'POST', body: '{"name":"9","action":"begin"}' })).status, 204);
  await eventually('it is red', async () =>
    (await told<Lesson>('lesson')).results.some(({ state }) => state === 'unmet'),
  );
  const { findPlace } = await import('../lessons/exercise.ts');
  workspace.overlay(findPlace('9'), 'solution');
  const { recap } = await eventually('it is green', async () => {
    const lesson = await told<Lesson>('lesson');
    return lesson.recap !== null && lesson;
  });
  assert.match(recap!, /contract/);
});

test('an answer of the quiz is noted, and says why; which option is right is not told before', async () => {
  const before = await told<CourseDocument>('course');
  const { id, options } = before.questions[0]!;
  assert.equal(Object.keys(before.questions[0]!).toSorted(), ['answer', 'ask', 'code', 'id', 'options']);
  const choose = (option: unknown, question: string = id) =>
    ask('/quiz', { method: 'POST', body: JSON.stringify({ question, option }) });
  const rights: boolean[] = [];
  for (const option of options.keys()) {
    assert.is((await choose(option)).status, 204);
    const { answer } = (await told<CourseDocument>('course')).questions[0]!;
    assert.is(answer!.option, option);
    assert.ok(answer!.why.length > 10);
    rights.push(answer!.right);
  }
  assert.is(rights.filter(Boolean).length, 1);
  assert.is((await choose(rights.indexOf(true))).status, 204);
  const { goals } = await told<CourseDocument>('course');
  assert.is(
    goals.reduce((sum, { questions }) => sum + questions.right, 0),
    1,
  );
  assert.equal(JSON.parse((await ask('/progress.json')).text), { goals });
  for (const option of [-1, 99, '1.5', null, 'x']) assert.is((await choose(option)).status, 404, String(option));
  assert.is((await choose(0, '__proto__')).status, 404);
});

test.after(() => {
  over.abort();
  for (const close of closers) close();
});
test.run();
