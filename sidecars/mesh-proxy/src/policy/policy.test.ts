/** Rules by themselves: conditions of retries, backoff, buckets, paths, virtual hosts. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Response } from '#proxy/http/response.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import { RateLimits } from '../compile/rate-limits.ts';
import { VirtualHosts } from '../compile/virtual-hosts.ts';
import type { RetryCondition } from '#mesh/model/policy.ts';
import { RetryRules } from './retry-rules.ts';
import { TokenBucket } from './token-bucket.ts';

const status = (code: number, lines = ''): { endpoint: undefined; tries: number; response: Response } => ({
  endpoint: undefined,
  tries: 1,
  response: new Response({ status: code, body: NO_BODY, lines }),
});

test('conditions of retries are Envoy’s', () => {
  const applies = (on: RetryCondition[], failed: object): boolean =>
    new RetryRules({ on, statusCodes: [425] }, 'x').applies({ endpoint: undefined, tries: 1, ...failed });
  for (const [on, failed, expected] of [
    ['5xx', status(500), true],
    ['5xx', { failure: 'connect' }, true],
    ['5xx', status(404), false],
    ['gateway-error', status(500), false],
    ['gateway-error', status(502), true],
    ['reset', { failure: 'closed' }, true],
    ['reset', status(503), false],
    ['connect-failure', { failure: 'connect_timeout' }, true],
    ['connect-failure', { failure: 'closed' }, false],
    ['refused-stream', { failure: 'closed', reason: 'reset_REFUSED_STREAM' }, true],
    ['refused-stream', { failure: 'closed', reason: 'reset_CANCEL' }, false],
    ['retriable-4xx', status(409), true],
    ['retriable-4xx', status(408), false],
    ['retriable-status-codes', status(425), true],
    ['unavailable', status(200, 'grpc-status: 14\r\n'), true],
    ['unavailable', status(200, 'grpc-status: 13\r\n'), false],
    ['internal', status(200, 'grpc-status: 13\r\n'), true],
    ['5xx', { failure: 'truncated' }, false],
    ['5xx', { failure: 'request_timeout' }, false],
  ] as const)
    assert.is(applies([on], failed), expected, `${on} ${JSON.stringify(failed)}`);
  assert.throws(() => new RetryRules({ on: ['sometimes' as '5xx'] }, 'route'), /route: sometimes is none of/);
});

test('backoff is below (2^n − 1) × 25 ms, and at most 250 ms', () => {
  const rules = new RetryRules({ on: ['5xx'] }, 'x');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (retry, random) => {
        const delay = rules.backoff(retry, random);
        assert.ok(delay >= 0 && delay < Math.min((2 ** retry - 1) * 25, 250));
      },
    ),
  );
});

test('a bucket gives no more than it holds and gets', () => {
  let now = 0;
  const bucket = new TokenBucket({ maxTokens: 2, tokensPerFill: 1, fillInterval: 100 }, 'x', () => now);
  const takes = (count: number): boolean[] => Array.from({ length: count }, () => bucket.take());
  assert.equal(takes(3), [true, true, false]);
  now = 199;
  assert.equal(takes(2), [true, false]);
  now = 100_000;
  assert.equal(takes(3), [true, true, false]);
  assert.throws(() => new TokenBucket({ maxTokens: 0, fillInterval: 1 }, 'x'), /above 0/);
});

test('limits that are called the same have a bucket each, and find it again', () => {
  const limit = { maxTokens: 1, fillInterval: 3_600_000 };
  const pair = (former?: RateLimits): [RateLimits, readonly TokenBucket[]] => {
    const limits = new RateLimits(former);
    return [limits, ['x', 'y'].map((where) => limits.bucket(limit, ['same'], where))];
  };
  const [former, before] = pair();
  assert.equal(
    before.map((bucket) => bucket.take()),
    [true, true],
  );
  const [latter, after] = pair(former);
  assert.ok(after.every((bucket, index) => bucket === before[index]));
  assert.is.not(latter.bucket(limit, ['other'], 'z'), after[0]);
  assert.is.not(latter.bucket({ ...limit, maxTokens: 2 }, ['same'], 'z'), after[0]);
});

test('domains: exact, longest suffix, longest prefix, any', () => {
  const host = (name: string, ...domains: string[]) => [{ name, domains, routes: [] }, name] as const;
  const hosts = new VirtualHosts(
    [
      host('exact', 'shop', 'shop:8080'),
      host('suffix', '*.shop'),
      host('longer', '*.a.shop'),
      host('prefix', 'shop.*'),
      host('any', '*'),
    ],
    'x',
  );
  for (const [authority, expected] of [
    ['shop', 'exact'],
    ['SHOP:8080', 'exact'],
    ['shop:9999', 'exact'],
    ['shop.', 'exact'],
    ['b.shop', 'suffix'],
    ['b.a.shop:80', 'longer'],
    ['.shop', 'any'],
    ['shop.local', 'prefix'],
    ['else', 'any'],
    ['', 'any'],
  ] as const)
    assert.is(hosts.find(authority), expected, authority);
  assert.throws(() => new VirtualHosts([host('a', 'x'), host('b', 'X')], 'listener'), /has the domain x of another/);
});

test.run();
