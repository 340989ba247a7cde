/** Clients that want in without credentials, or as somebody else. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { several, type Answer } from '../client.ts';
import { anyPath, readings } from '../paths.ts';
import type { Random } from '../random.ts';
import type { AttackContext } from '../suite.ts';
import { anyAddress, tryAsk, type Told } from './client.ts';

const CLIENTS = 16;

/** Attacks that try to get in without an identity, or with another user's. @throws what the suite reports */
function judge(asked: Answer | undefined, shown: string): void {
  if (asked?.status !== 200 || !asked.body.startsWith('{"target"')) return;
  const { target, user } = JSON.parse(asked.body) as Told;
  if (user !== null) throw new Error(`the application was told of ${user}: ${shown}`);
  for (const path of readings(target))
    if (!/^\/public(?:\/|$)/.test(path)) throw new Error(`an open door: ${shown} is ${path}`);
}

/** Ways to write a path, from below what is public. */
export async function paths({ random, signal }: AttackContext): Promise<void> {
  await several(CLIENTS, async () => {
    const path = anyPath(random, '/public/');
    const method = random.pick(['GET', 'HEAD', 'POST', 'DELETE', 'PATCH']);
    const override = random.chance(0.2) ? { [random.pick(['X-HTTP-Method-Override', 'x_http_method'])]: 'DELETE' } : {};
    judge(
      await tryAsk(path, { method, headers: { 'x-forwarded-for': anyAddress(random), ...override }, signal }),
      path,
    );
  });
}

const NAMES = ['User', 'Email', 'Groups', 'Preferred-Username', 'Access-Token'];

/** Fields that say who somebody is, in spellings that CGI takes for the same. */
export async function identities({ random, signal }: AttackContext): Promise<void> {
  await several(CLIENTS, async () => {
    const separator = (): string => random.pick(['-', '_', '.', '!']);
    const headers = Object.fromEntries(
      Array.from({ length: 1 + random.below(5) }, () => {
        const name = `x${separator()}forwarded${separator()}${random.pick(NAMES).replaceAll('-', separator())}`;
        return [random.chance(0.5) ? name.toUpperCase() : name, random.pick(['admin', 'ann', 'admins'])];
      }),
    );
    const connection = random.chance(0.2) ? { connection: Object.keys(headers).join(', ') } : {};
    const asked = await tryAsk('/public/x', { headers: { ...headers, ...connection }, signal });
    judge(asked, JSON.stringify(headers));
  });
}

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as the provider would make it, but for its signature. */
function token(random: Random): string {
  const alg = random.pick(['RS256', 'none', 'NONE', 'HS256', 'ES256', 'EdDSA', 'dir']);
  const kid = random.chance(0.7) ? String(random.next()) : undefined;
  const now = Math.floor(Date.now() / 1000);
  const size = random.chance(0.1) ? random.below(14_000) : 10;
  const claims = {
    iss: 'http://127.0.0.1:9000',
    aud: 'app',
    sub: 'ann',
    iat: now,
    exp: now + 300,
    x: 'x'.repeat(size),
  };
  const text = `${part({ alg, kid, jwk: random.chance(0.2) ? pair.publicKey.export({ format: 'jwk' }) : undefined })}.${part(claims)}`;
  const signature =
    alg === 'RS256'
      ? sign('sha256', Buffer.from(text), pair.privateKey).toString('base64url')
      : alg === 'HS256'
        ? createHmac('sha256', 'app').update(text).digest('base64url')
        : '';
  return `${text}.${signature}`;
}

/** Tokens that nobody signed who may. */
export async function tokens({ random, signal }: AttackContext): Promise<void> {
  await several(CLIENTS, async () => {
    const authorization = `Bearer ${token(random)}`;
    const headers = { 'x-forwarded-for': anyAddress(random), authorization };
    judge(await tryAsk('/page', { headers, signal }), authorization);
  });
}

/** Cookies and keys that are made up, or nearly sealed. */
export async function cookies({ random, signal }: AttackContext): Promise<void> {
  const head = part({ alg: 'dir', enc: 'A256GCM', kid: random.bytes(6).toString('base64url') });
  await several(CLIENTS, async () => {
    const body = random.bytes(12).toString('base64url');
    const long = 'A'.repeat(random.below(3700));
    const sealed = `${head}..${body}.${long}.${body}`;
    const count = 1 + random.below(9);
    const parts = Array.from({ length: count }, (_, index) => `__Host-session-${index + 1}=${long}`);
    const cookie = random.pick([
      `__Host-session=${sealed}`,
      `__Host-session=${count}; ${parts.join('; ')}`.slice(0, 28_000),
    ]);
    const headers = {
      'x-forwarded-for': anyAddress(random),
      cookie,
      'x-api-key': random.bytes(random.below(600)).toString('hex'),
    };
    judge(await tryAsk('/page', { headers, signal }), 'a cookie that is made up');
  });
}
