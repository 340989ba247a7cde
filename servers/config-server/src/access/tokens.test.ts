import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Refusal } from './refusal.ts';
import { authorize, SCOPES, TokenFileError, Tokens, type Scope } from './tokens.ts';

const FILE = `# who may what
operator read,write operator-token-123

board report board-token-4567890
reader read reader-token-1234567
`;

const attempt = (tokens: Tokens, header: string | undefined, scope: Scope): string => {
  try {
    return authorize([tokens], header, scope).name;
  } catch (error) {
    assert.instance(error, Refusal);
    return (error as Refusal).reason;
  }
};

test('a token is its owner, with the scopes that its line names', () => {
  const tokens = Tokens.parse(FILE);
  assert.is(attempt(tokens, 'Bearer operator-token-123', 'write'), 'operator');
  assert.is(attempt(tokens, 'bearer   operator-token-123 ', 'read'), 'operator');
  assert.is(attempt(tokens, 'Bearer board-token-4567890', 'report'), 'board');
});

test('who may read may report', () => {
  assert.is(attempt(Tokens.parse(FILE), 'Bearer reader-token-1234567', 'report'), 'reader');
});

test('a scope that the line does not name is forbidden', () => {
  const tokens = Tokens.parse(FILE);
  assert.is(attempt(tokens, 'Bearer board-token-4567890', 'read'), 'forbidden');
  assert.is(attempt(tokens, 'Bearer reader-token-1234567', 'write'), 'forbidden');
});

test('no token, another scheme, and every other text is unauthorized', () => {
  const tokens = Tokens.parse(FILE);
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic operator-token-123', 'Bearer operator-token-123 x'])
    assert.is(attempt(tokens, header, 'read'), 'unauthorized', String(header));
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...SCOPES), (text, scope) => {
      fc.pre(!FILE.includes(text.trim()));
      assert.is(attempt(tokens, `Bearer ${text}`, scope), 'unauthorized');
    }),
  );
});

test('a line that is none names its number and never its token', () => {
  for (const [line, about] of [
    ['operator read', /three fields/],
    ['operator read a-secret-of-mine-12 more', /three fields/],
    ['operator admin a-secret-of-mine-12', /none of read, write, report/],
    ['op/erator read a-secret-of-mine-12', /name/],
    ['operator read short', /16 characters/],
    ['operator read a-secret-of-mine-1"', /bearer token/],
  ] as const) {
    assert.throws(
      () => Tokens.parse(`${FILE}${line}\n`),
      (error: Error) =>
        error instanceof TokenFileError &&
        about.test(error.message) &&
        error.message.startsWith('line 6 ') &&
        !error.message.includes('secret') &&
        !error.message.includes('short'),
      line,
    );
  }
});

test('a name or a token that comes twice, and a file without any, are refused', () => {
  assert.throws(() => Tokens.parse(`${FILE}board read another-token-12345`), /line 6 repeats/);
  assert.throws(() => Tokens.parse(`${FILE}another read board-token-4567890`), /line 6 repeats/);
  assert.throws(() => Tokens.parse('# nobody\n'), /no token/);
});

test('no text makes the parser fail but in its own way', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      try {
        Tokens.parse(text);
      } catch (error) {
        assert.instance(error, TokenFileError);
      }
    }),
  );
});

test.run();
