import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { redactSql } from './redact.ts';

const test = suite('SQL without values');

const CASES: readonly (readonly [sql: string, shown: string])[] = [
  ["SELECT * FROM users WHERE name = 'O''Brien' AND age > 42", 'SELECT * FROM users WHERE name = ? AND age > ?'],
  ["SELECT `it's` FROM t1 WHERE a IN (1, 2.5e-3, 0xFF, .5)", "SELECT `it's` FROM t1 WHERE a IN (?, ?, ?, ?)"],
  ["INSERT INTO t VALUES (x'4D', _utf8'a', \"b\")", 'INSERT INTO t VALUES (x?, _utf8?, ?)'],
  ["SELECT 1 -- it's a secret\nFROM t # 'another'\n WHERE a=2", 'SELECT ? FROM t WHERE a=?'],
  ["SELECT /* password 'x */ a FROM t", 'SELECT a FROM t'],
  ["SELECT 'cut off", 'SELECT ?…'],
  // With NO_BACKSLASH_ESCAPES the first string ends behind the backslash; without, it goes on.
  [String.raw`SELECT 'a\' , secret, '`, 'SELECT ?…'],
  [String.raw`SELECT 'a\' , 'secret'`, 'SELECT ?…'],
  ['SELECT a--1', 'SELECT a--?'],
];
for (const [sql, shown] of CASES) test(sql.slice(0, 50).replaceAll('\n', ' '), () => assert.is(redactSql(sql), shown));

test('no value is shown, whatever it is and whatever stands around it', () => {
  const SECRET = 'hunter2';
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const escaped = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const value = fc
    .tuple(fc.string({ unit: fc.constantFrom("'", '\\', '"', '`', '-', '#', '/', '*', ' ', '\n', 'a') }), fc.boolean())
    .map(([text, backslash]) => (backslash ? escaped(text + SECRET + text) : quote(text + SECRET + text)));
  const word = fc.oneof(value, fc.constantFrom('SELECT', ' ', ',', '(', ')', '=', '`a`', ' x', '12', '/* b */'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      assert.not.match(redactSql(words.join(' ')), SECRET);
    }),
    { numRuns: 1000 },
  );
});

test('a statement of any length takes a time in proportion', () => {
  for (const part of ["'", '`', '/*', '1', 'a', '-- ']) assert.ok(redactSql(part.repeat(200_000)).length >= 0);
});

test.run();
