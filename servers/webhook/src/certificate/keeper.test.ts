/** The keeper beside an API server that knows one Secret and one configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Api } from '../cluster/api.ts';
import { Keeper } from './keeper.ts';

const test = suite('certificate keeper');
const LIFETIME = 300_000;
/** What the API server may take to hear of a certificate. */
const DELAY = 10_000;

let server: Server;
let api: Api;
let secret: { metadata: { resourceVersion: string }; data?: Record<string, string> };
let webhooks: { name: string; clientConfig: { caBundle?: string; service: string } }[];
let refused: number;
let beforePut: () => void;
let now: number;
let damaged: number;
let patches: number;

test.before.each(async () => {
  secret = { metadata: { resourceVersion: '1' } };
  webhooks = ['a', 'b'].map((name) => ({ name, clientConfig: { service: 's' } }));
  [refused, damaged, patches, beforePut] = [0, 0, 0, () => {}];
  now = Date.now();
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      const [status, body] =
        refused > 0 ? [refused, { message: 'refused' }] : answer(request.method!, request.url!, text);
      response.writeHead(status).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const account = temporaryDirectory('account');
  mkdirSync(account, { recursive: true });
  for (const name of ['token', 'ca.crt', 'namespace']) writeFileSync(join(account, name), `own-${name}\n`);
  api = new Api(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), account);
});
test.after.each(() => {
  server.close();
  server.closeAllConnections();
});

function answer(method: string, path: string, text: string): [number, unknown] {
  if (path === '/api/v1/namespaces/own-namespace/secrets/own') {
    if (method === 'GET') return [200, secret];
    beforePut();
    const sent = JSON.parse(text) as typeof secret;
    if (sent.metadata.resourceVersion !== secret.metadata.resourceVersion)
      return [409, { message: 'changed meanwhile' }];
    secret = { ...sent, metadata: { resourceVersion: `${Number(secret.metadata.resourceVersion) + 1}` } };
    return [200, secret];
  }
  if (!path.endsWith('/mutatingwebhookconfigurations/own')) return [404, { message: 'not found' }];
  if (method === 'PATCH') {
    patches += 1;
    for (const { name, clientConfig } of (JSON.parse(text) as { webhooks: typeof webhooks }).webhooks)
      Object.assign(webhooks.find((each) => each.name === name)!.clientConfig, clientConfig);
  }
  return [200, { webhooks }];
}

const keeper = (): Keeper =>
  new Keeper({
    api,
    secret: 'own',
    configuration: 'own',
    names: ['webhook.test.svc'],
    lifetime: LIFETIME,
    now: () => now,
    onDamaged: () => (damaged += 1),
    onRenewed: () => {},
  });

const bundle = (): string => {
  const [first, ...others] = webhooks.map(({ clientConfig }) =>
    Buffer.from(clientConfig.caBundle ?? '', 'base64').toString(),
  );
  assert.ok(others.every((each) => each === first));
  return first!;
};

test('a certificate is made, stored, trusted by all webhooks, and then served', async () => {
  const one = keeper();
  assert.is(one.pair, undefined);
  await one.look();
  assert.is(bundle(), one.pair!.cert);
  await one.look();
  assert.is(patches, 1, 'what is right is left alone');
  const other = keeper();
  await other.look();
  assert.is(other.pair!.cert, one.pair!.cert, 'replicas share it');
});

test('it is renewed while the old one is valid, and served when the API server has heard of it', async () => {
  const one = keeper();
  await one.look();
  const old = one.pair!;
  now += LIFETIME * 0.7;
  await one.look();
  assert.is(bundle().split('BEGIN CERTIFICATE').length - 1, 2, 'both are trusted');
  assert.is(one.pair!.cert, old.cert);
  now += DELAY;
  assert.is.not(one.pair!.cert, old.cert);
  now = old.notAfter;
  await one.look();
  assert.is(bundle(), one.pair!.cert, 'one that has ended is trusted no more');
});

test('of two replicas that renew at once one makes a certificate, and both serve it', async () => {
  const [one, other] = [keeper(), keeper()];
  beforePut = () => {
    beforePut = () => {};
    // Another replica was faster.
    secret = { ...secret, metadata: { resourceVersion: '7' } };
  };
  await one.look();
  assert.is(one.pair, undefined, 'there was nothing in what it read again');
  await other.look();
  await one.look();
  assert.is(one.pair!.cert, other.pair!.cert);
});

test('a caBundle that was removed comes back, and a Secret that cannot be read is made anew', async () => {
  const one = keeper();
  await one.look();
  delete webhooks[1]!.clientConfig.caBundle;
  await one.look();
  assert.is(bundle(), one.pair!.cert);
  secret = { ...secret, data: { 'certificates.json': Buffer.from('[{"cert":"x"}]').toString('base64') } };
  await one.look();
  assert.is(damaged, 1);
  assert.is(bundle(), one.pair!.cert);
});

test('while the API server refuses, the certificate is served until it ends, and no longer', async () => {
  const one = keeper();
  await one.look();
  refused = 403;
  await one.look().then(
    () => assert.unreachable('it looked'),
    (error: Error) => assert.match(error.message, /refused/),
  );
  const { cert, notAfter } = one.pair!;
  now = notAfter - 1;
  assert.is(one.pair!.cert, cert);
  now = notAfter;
  assert.is(one.pair, undefined);
});

test.run();
