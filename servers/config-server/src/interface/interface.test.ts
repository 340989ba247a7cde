/** The interface as a client sees it: a real server, and what openapi.yaml says of it. */
import { request } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestServer, type AskOptions } from '../test-server.ts';

const server = new TestServer({
  CONFIG_SERVER_MAX_BODY: '10000',
  CONFIG_SERVER_HOSTS: 'config.example.org, *.in.example',
});
test.before(() => server.start());
test.after(() => server.remove());

interface Document {
  readonly paths: Record<string, Record<string, { responses?: object; 'x-scope'?: string }>>;
}

const METHODS = ['get', 'put', 'post', 'delete'];
const described = async (): Promise<Document> => (await (await server.ask('/openapi.json')).json()) as Document;

const versionsOf = async (key: string): Promise<{ version: number; action: string }[]> => {
  const { versions } = (await (await server.ask(`/v1/documents/${key}/versions`)).json()) as {
    versions: { version: number; action: string }[];
  };
  return versions;
};

const told = async (response: Response): Promise<{ status: number; reason: string; current?: number | null }> => ({
  status: response.status,
  ...((await response.json()) as { reason: string }),
});

test('every operation that is described answers, and asks for a token where it says so', async () => {
  const { paths } = await described();
  let asked = 0;
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS.filter((each) => each in item)) {
      const operation = item[method]!;
      const url = path
        .replaceAll('{key}', 'none.such')
        .replaceAll('{version}', '1')
        .replace(/diff$/, 'diff?from=1&to=1');
      const { status } = await server.ask(url, { method: method.toUpperCase(), as: null });
      // A session is asked for with a code, which is missing here.
      const open = path === '/v1/sessions' ? 400 : 200;
      assert.is(status, operation['x-scope'] ? 401 : open, `${method} ${path}`);
      assert.ok(String(status) in operation.responses!, `${method} ${path} is said to answer ${status}`);
      asked += 1;
    }
  }
  assert.is(asked, 20);
});

test('a token without the scope is forbidden, whatever else is wrong', async () => {
  const { paths } = await described();
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS.filter((each) => item[each]?.['x-scope'] !== undefined)) {
      const scope = item[method]!['x-scope']!;
      const url = path.replaceAll('{key}', 'none.such').replaceAll('{version}', '1');
      const as = scope === 'write' ? 'reader' : 'board';
      if (scope === 'report') continue;
      const { status } = await server.ask(url, { method: method.toUpperCase(), as });
      assert.is(status, 403, `${method} ${path} with ${as}'s token`);
    }
  }
});

test('what was put is what is got, byte by byte, with its type', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const put = await server.ask('/v1/documents/bytes', {
    method: 'PUT',
    body: bytes,
    headers: { 'if-none-match': '*', 'content-type': 'application/x-thing' },
  });
  assert.is(put.status, 201);
  assert.is(put.headers.get('etag'), '"1"');
  const got = await server.ask('/v1/documents/bytes', { as: 'reader' });
  assert.is(got.headers.get('content-type'), 'application/x-thing');
  assert.is(got.headers.get('x-config-version'), '1');
  assert.equal(new Uint8Array(await got.arrayBuffer()), bytes);
});

test('a change needs a condition, and the right one', async () => {
  await server.put('conditions', '1');
  assert.equal(await told(await server.ask('/v1/documents/conditions', { method: 'PUT', body: '2' })), {
    status: 428,
    reason: 'condition-missing',
    message: 'say what the change was made from: If-Match: "VERSION", or If-None-Match: * to create',
  });
  const stale = await server.put('conditions', '2', 7);
  assert.is(stale.headers.get('etag'), '"1"');
  assert.equal(await told(stale), {
    status: 412,
    reason: 'stale',
    message: 'conditions is at version 1',
    current: 1,
  });
  const again = await told(await server.put('conditions', '2'));
  assert.is(again.status, 412);
  assert.is((await told(await server.put('conditions-none', '2', 1))).current, null);
  assert.is((await server.put('conditions', '2', 1)).status, 200);
});

test('a reader who has the version is not sent it again', async () => {
  await server.put('known', '1');
  const headers = { 'if-none-match': '"1"' };
  const same = await server.ask('/v1/documents/known', { headers });
  assert.is(same.status, 304);
  assert.is(await same.text(), '');
  await server.put('known', '2', 1);
  assert.is(await (await server.ask('/v1/documents/known', { headers })).text(), '2');
});

test('a deletion hides the document, keeps its history, and can be followed by a new beginning', async () => {
  await server.put('gone', '1');
  const headers = { 'if-match': '"1"' };
  assert.is((await server.ask('/v1/documents/gone', { method: 'DELETE', headers })).status, 200);
  assert.is((await server.ask('/v1/documents/gone')).status, 404);
  assert.is((await server.ask('/v1/documents/gone', { method: 'DELETE', headers })).status, 404);
  assert.is(await (await server.ask('/v1/documents/gone/versions/1')).text(), '1');
  assert.is((await server.put('gone', '3')).status, 201);
  assert.equal(
    (await versionsOf('gone')).map(({ version, action }) => `${version} ${action}`),
    ['3 create', '2 delete', '1 create'],
  );
});

test('rolling back makes a new version with the old content', async () => {
  await server.put('back', 'old');
  await server.put('back', 'new', 1);
  const ask = (from: number, version: unknown): Promise<Response> =>
    server.ask('/v1/documents/back/rollback', {
      method: 'POST',
      body: JSON.stringify({ version }),
      headers: { 'if-match': `"${from}"`, 'content-type': 'application/json' },
    });
  assert.is((await ask(1, 1)).status, 412);
  assert.is((await ask(2, 9)).status, 404);
  assert.is((await ask(2, 'one')).status, 400);
  const back = (await (await ask(2, 1)).json()) as { version: number; restored: number; action: string };
  assert.equal([back.version, back.restored, back.action], [3, 1, 'rollback']);
  assert.is(await (await server.ask('/v1/documents/back')).text(), 'old');
});

test('a diff tells two versions apart', async () => {
  await server.put('diff', 'a\n');
  await server.put('diff', 'b\n', 1);
  const text = await (await server.ask('/v1/documents/diff/diff?from=1&to=2')).text();
  assert.is(text, '--- diff version 1\n+++ diff version 2\n@@ -1,1 +1,1 @@\n-a\n+b\n');
  assert.is((await server.ask('/v1/documents/diff/diff?from=1')).status, 400);
  assert.is((await server.ask('/v1/documents/diff/diff?from=1&to=5')).status, 404);
});

test('a sidecar reports under the name of its token, at the time of this server', async () => {
  await server.put('reported', '1');
  const path = '/v1/documents/reported/versions/1/reports';
  const report = { sidecar: 'pod', state: 'rejected', reason: 'line 1: no', at: '2126-01-01T00:00:00.000Z' };
  const post = (body: unknown, as: AskOptions['as'] = 'board'): Promise<Response> =>
    server.ask(path, { method: 'POST', as, body: JSON.stringify(body) });
  const before = Date.now();
  assert.is((await post(report)).status, 201);
  // Who may only read reports too, but not as another.
  assert.is((await post({ state: 'applied', sidecar: 'board/pod' }, 'reader')).status, 201);
  assert.is((await post({ state: 'applied', sidecar: 'reader' }, 'reader')).status, 201);
  assert.is((await post({ state: 'applied' })).status, 201);
  for (const wrong of [
    { ...report, state: 'fine' },
    { ...report, more: 1 },
    { ...report, reason: 'x'.repeat(2001) },
    { ...report, sidecar: '<b>' },
    [],
    null,
  ])
    assert.is((await post(wrong)).status, 400, JSON.stringify(wrong).slice(0, 80));
  assert.is((await server.ask(path, { method: 'POST', body: '{' })).status, 400);
  const { reports } = (await (await server.ask(path)).json()) as { reports: (typeof report)[] };
  assert.equal(
    reports.map(({ sidecar, state }) => `${sidecar} ${state}`),
    ['board applied', 'board/pod rejected', 'reader applied', 'reader/board/pod applied'],
  );
  assert.is(reports[1]!.reason, 'line 1: no');
  for (const { at } of reports) assert.ok(Date.parse(at) >= before && Date.parse(at) <= Date.now(), at);
  assert.equal((await versionsOf('reported')) as unknown, [{ ...(await versionsOf('reported'))[0], reports }]);
});

test('differences that are hard to find hold up nobody', async () => {
  const large = new TestServer();
  await large.start();
  const lines = (salt: number): string =>
    Array.from({ length: 50_000 }, (_, index) => String((index * 7919 + salt) % 1_000_003)).join('\n');
  await large.put('hard', lines(1));
  await large.put('hard', lines(500_000), 1);
  let done = false;
  const asked = Promise.all(
    Array.from({ length: 4 }, async () => (await large.ask('/v1/documents/hard/diff?from=1&to=2')).text()),
  ).finally(() => (done = true));
  let answered = 0;
  for (; !done; answered++) await large.ask('/v1/documents');
  for (const text of await asked) assert.match(text, /^hard version 1 and hard version 2 differ too much/);
  // One at most for each difference, were they worked out where requests are answered.
  assert.ok(answered > 10, `${answered} answered meanwhile`);
  await large.put('easy', 'a\n'.repeat(9000));
  await large.put('easy', `${'a\n'.repeat(9000)}b\n`, 1);
  assert.match(await (await large.ask('/v1/documents/easy/diff?from=1&to=2')).text(), /^\+b$/m);
  await large.remove();
});

test('the page is served by names that no stranger can have', async () => {
  const status = async (host: string, path = '/'): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    request(server.url(path), { headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
    return await promise;
  };
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:8610',
    '[::1]:8610',
    'config-server',
    'a.localhost',
    'config.example.org',
    'x.in.example',
  ])
    assert.is(await status(host), 200, host);
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'config.example.org.evil',
    'in.example',
  ])
    for (const path of ['/', '/page.js', '/openapi.json']) assert.is(await status(host, path), 421, `${host} ${path}`);
  // What needs a token is no page's without it.
  assert.is(await status('evil.example', '/v1/documents'), 401);
});

test('a code opens one session, with the scopes of its token, until that is closed', async () => {
  const ask = async (path: string, token: string, method = 'GET'): Promise<Response> =>
    await server.ask(path, { as: null, method, headers: { authorization: `Bearer ${token}` } });
  const open = async (code: unknown): Promise<Response> =>
    await server.ask('/v1/sessions', { as: null, method: 'POST', body: JSON.stringify({ code }) });
  assert.is((await server.ask('/v1/logins', { method: 'POST', as: 'board' })).status, 403);
  const { code } = (await (await server.ask('/v1/logins', { method: 'POST', as: 'reader' })).json()) as {
    code: string;
  };
  assert.is((await ask('/v1/documents', code)).status, 401, 'a code is no token');
  const opened = await open(code);
  assert.is(opened.status, 201);
  const session = (await opened.json()) as { token: string; name: string; scopes: string[] };
  assert.is(session.name, 'reader');
  assert.equal(session.scopes, ['read', 'report']);
  assert.is((await ask('/v1/documents', session.token)).status, 200);
  assert.is((await ask('/v1/documents/none.such', session.token, 'DELETE')).status, 403);
  assert.is((await open(code)).status, 401, 'it is spent');
  for (const wrong of ['', 'x'.repeat(100), session.token]) assert.is((await open(wrong)).status, 401);
  for (const wrong of [['x'.repeat(101)], 'x'.repeat(101), {}]) assert.is((await open(wrong)).status, 400);
  assert.is((await ask('/v1/sessions', session.token, 'DELETE')).status, 204);
  assert.is((await ask('/v1/documents', session.token)).status, 401);
  assert.not.ok(server.output.includes(session.token) || server.output.includes(code));
});

test('every change leaves a line that names its author, and no token is written anywhere', async () => {
  await server.put('audited', '1');
  const { lines } = (await (await server.ask('/v1/audit?key=audited')).json()) as { lines: Record<string, string>[] };
  assert.is(lines.length, 1);
  assert.equal(
    [lines[0]!['author'], lines[0]!['action'], lines[0]!['key'], lines[0]!['address']],
    ['operator', 'create', 'audited', '127.0.0.1'],
  );
  const logged = server.output
    .split('\n')
    .filter((line) => line.includes('"audit"'))
    .map((line) => (JSON.parse(line) as { audit: { key: string } }).audit.key);
  assert.ok(logged.includes('audited'));
  assert.not.match(server.output, /token-0123456789/);
});

test('a body over the limit, a key that is none and an unknown path are refused by name', async () => {
  assert.is((await told(await server.put('large', 'x'.repeat(10_001)))).status, 413);
  for (const key of ['..', '.hidden', 'a%2Fb', 'a b', 'x'.repeat(129), '%00'])
    assert.ok([400, 404].includes((await server.put(key, 'x')).status), key);
  assert.equal(await told(await server.ask('/v2/nothing')), {
    status: 404,
    reason: 'not-found',
    message: 'there is no GET /v2/nothing; see /openapi.json',
  });
});

test('only the page can run in a browser, and it loads nothing from elsewhere', async () => {
  await server.put('page.html', '<script>alert(1)</script>');
  const document = await server.ask('/v1/documents/page.html');
  assert.match(document.headers.get('content-security-policy')!, /^default-src 'none';.*sandbox/);
  assert.is(document.headers.get('x-content-type-options'), 'nosniff');
  const page = await server.ask('/', { as: null });
  const policy = page.headers.get('content-security-policy')!;
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
  assert.not.match(policy, /unsafe|https?:|\*/);
  const html = await page.text();
  assert.not.match(html, /https?:\/\/|<script>|style=|onclick/);
  assert.match(html, /src="\/page.js"/);
});

test.run();
