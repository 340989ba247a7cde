/** Digests of images: what registries are asked, and what is believed of their answers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { main } from '../main.ts';
import { digestsOf, manifestUrl, type Fetch } from './registry.ts';

const DIGEST = `sha256:${'a1'.repeat(32)}`;
const named = (digest: string): Response => new Response(null, { headers: { 'docker-content-digest': digest } });
const challenge = (realm: string): Response =>
  new Response(null, {
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${realm}",service="r",scope="repository:library/x:pull"` },
  });

test('a reference leads where docker pulls it from', () => {
  for (const [reference, url] of [
    ['postgres', 'https://registry-1.docker.io/v2/library/postgres/manifests/latest'],
    ['shop/api:latest', 'https://registry-1.docker.io/v2/shop/api/manifests/latest'],
    ['docker.io/library/redis', 'https://registry-1.docker.io/v2/library/redis/manifests/latest'],
    ['ghcr.io/a/b/c', 'https://ghcr.io/v2/a/b/c/manifests/latest'],
    ['registry.example:5000/x:latest', 'https://registry.example:5000/v2/x/manifests/latest'],
    ['localhost:5000/x', 'http://localhost:5000/v2/x/manifests/latest'],
    ['127.0.0.1:5000/x', 'http://127.0.0.1:5000/v2/x/manifests/latest'],
  ] as const)
    assert.is(manifestUrl(reference), url);
});

test('a registry that wants a token gives one to everybody', async () => {
  const asked: string[] = [];
  const ask: Fetch = async (url, { headers, method = 'GET' }) => {
    asked.push(`${method} ${url}`);
    const { authorization } = headers as Record<string, string>;
    if (method === 'GET') return Response.json({ token: 'abc.def' });
    return authorization === 'Bearer abc.def' ? named(DIGEST) : challenge('https://login.example/token');
  };
  const withHeaders: Fetch = (url, init) => ask(url, { headers: {}, ...init });
  const { found, failed } = await digestsOf(['x'], withHeaders);
  assert.equal([...failed], []);
  assert.is(found.get('x'), DIGEST);
  assert.is(asked[1], 'GET https://login.example/token?service=r&scope=repository%3Alibrary%2Fx%3Apull');
});

const WRONG: Readonly<Record<string, [Fetch, RegExp]>> = {
  'no network': [() => Promise.reject(new TypeError('fetch failed')), /fetch failed/],
  'no such image': [async () => new Response(null, { status: 404 }), /answers 404/],
  'no digest': [async () => new Response(null), /names no digest/],
  'a digest that is none': [async () => named('sha256:0\ninjected'.replace('\n', '')), /names no digest/],
  'a login of another kind': [
    async () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    /wants a login/,
  ],
  'a login without TLS': [async () => challenge('http://169.254.169.254/'), /not by https/],
  'a login that answers without end': [
    async (_, { method }) =>
      method === 'HEAD'
        ? challenge('https://login.example/')
        : new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(16_384)) })),
    /answers too much/,
  ],
  'a token that would be another header': [
    async (_, { method }) =>
      method === 'HEAD' ? challenge('https://login.example/') : Response.json({ token: 'a\r\nX: y' }),
    /gives no token/,
  ],
};
for (const [what, [ask, why]] of Object.entries(WRONG))
  test(`${what}: there is no digest, and the reason is told`, async () => {
    const { found, failed } = await digestsOf(['x'], ask);
    assert.is(found.size, 0);
    assert.match(failed.get('x')!, why);
  });

test('the manifests name the digest, and the report says so; without an answer it says why', async () => {
  const folder = temporaryDirectory('registry');
  writeFileSync(
    join(folder, 'compose.yaml'),
    'services: {db: {image: postgres, restart: always}, gone: {image: "gone:latest", restart: always}, mine: {image: "a:1", restart: always}}',
  );
  let [out, err] = ['', ''];
  const asked: string[] = [];
  const code = await main(['export', '--allow-floating', '--dry-run'], {
    folder,
    environment: {},
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    fetch: async (url) => {
      asked.push(url);
      return url.includes('postgres') ? named(DIGEST) : new Response(null, { status: 404 });
    },
  });
  assert.is(code, 0, err);
  assert.is(asked.length, 2, 'an image with a version is not asked for');
  assert.ok(out.includes(`image: postgres@${DIGEST}`), out);
  assert.match(out, /image: gone:latest/);
  assert.match(err, /service db runs postgres, .*: today it is sha256:a1a1/);
  assert.match(err, /service gone runs gone:latest, .*names no digest: registry-1\.docker\.io answers 404/);
});

test.run();
