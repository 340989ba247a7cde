/** Who may be which service. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TokenFileError, Tokens } from './tokens.ts';

const ALL = 'a'.repeat(16);
const ONE = 'b'.repeat(16);
const tokens = Tokens.parse(`# people\neverybody * ${ALL}\n\nfront front,shop ${ONE}\n`);
const verdict = (token: string, service: string): string => {
  const found = tokens.check(token, service);
  return typeof found === 'string' ? found : found.name;
};

test('a token is good for its services, * for every service', () => {
  assert.equal(
    [verdict(ONE, 'front'), verdict(ONE, 'shop'), verdict(ONE, 'orders'), verdict(ALL, 'orders')],
    ['front', 'front', 'other-service', 'everybody'],
  );
  assert.is(verdict('c'.repeat(16), 'front'), 'unknown');
});

test('nobody becomes the control plane, * or not', () => {
  assert.is(verdict(ALL, 'control-plane'), 'other-service');
  assert.is(Tokens.parse(`x control-plane ${ONE}`).check(ONE, 'control-plane'), 'other-service');
});

for (const [text, message] of [
  ['', /there is no token/],
  ['front front', /^line 1: expected NAME/],
  [`\nfront front short`, /^line 2: the token of front has less than 16 characters/],
  [`front front ${ONE} more`, /^line 1: expected/],
] as const)
  test(`no tokens: ${JSON.stringify(text.slice(0, 30))}`, () =>
    assert.throws(
      () => Tokens.parse(text),
      (error: Error) => error instanceof TokenFileError && message.test(error.message) && !error.message.includes(ONE),
    ));

test.run();
