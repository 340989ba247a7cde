/** What the check of expressions takes, RE2 and JavaScript take: RE2 as gRPC's client in Node carries it, asked itself. */
import fc from 'fast-check';
import { createRequire } from 'node:module';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ExpressionRoom, problemOfExpression } from './re2.ts';

interface Compiled {
  ok(): boolean;
  error(): string;
  delete(): void;
}
// RE2 itself, without the package's translation from JavaScript's syntax, which other clients do not make.
const require = createRequire(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json'));
const { WrappedRE2 } = require('re2-wasm/build/wasm/re2.js') as {
  WrappedRE2: new (pattern: string, ignoreCase: boolean, multiline: boolean, dotAll: boolean) => Compiled;
};

/** Why RE2 refuses an expression; undefined where it takes it. */
function refusedByRe2(source: string): string | undefined {
  const compiled = new WrappedRE2(source, false, false, false);
  try {
    return compiled.ok() ? undefined : compiled.error();
  } finally {
    compiled.delete();
  }
}

const TAKEN = [
  '',
  'a{1000}',
  '(a{10}){100}',
  '(a*){1000}',
  '(?:(a{500,}){2}|b{7,9}?)+?',
  String.raw`/v[0-9]+(\.[0-9]+)*/\w+`,
  String.raw`[^\]\-&a-z]|\p{Lu}{9}|[\p{L}\d_]`,
  '(?i:get|post)(?s-i:.)',
];
test('what both know is taken', () => {
  for (const source of TAKEN) {
    assert.is(problemOfExpression(source), undefined);
    assert.is(refusedByRe2(source), undefined, source);
  }
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['a{1001}', 'it repeats 1001 times'],
  ['a{2,1001}', 'it repeats 1001 times'],
  ['(a{100}){11}', 'it repeats 1100 times'],
  ['((a{10}|b){10}c){11}', 'it repeats 1100 times'],
  ['(?:x(a{500,})){3}', 'it repeats 1500 times'],
  ['[a--b]', 'inside a set'],
  ['[a&&b]', 'inside a set'],
  ['[[a]b]', 'inside a set'],
  ['[[:alpha:]]', 'inside a set'],
  [String.raw`[\q{ab}]`, String.raw`\q: expressions are RE2's`],
  ['[^]', 'a set is empty'],
  [String.raw`\p{Script=Greek}`, String.raw`\p: expressions are RE2's`],
  [String.raw`\p{RGI_Emoji}`, String.raw`\p: expressions are RE2's`],
  [String.raw`\u0041`, String.raw`\u: expressions are RE2's`],
  [String.raw`(a)\1`, String.raw`\1: expressions are RE2's`],
  ['(?=a)', 'without looking ahead'],
  ['(?<!a)', 'without looking ahead'],
  ['(?<name>a)', 'named groups'],
  [String.raw`\p{L}{1000}`, 'larger than clients take'],
  ['('.repeat(200) + ')'.repeat(200), 'stand inside each other'],
  ['(a', 'Invalid regular expression'],
  ['a**', 'Invalid regular expression'],
];
for (const [source, words] of REFUSED)
  test(`${source.slice(0, 40)} is refused`, () => {
    assert.ok(problemOfExpression(source)?.includes(words), problemOfExpression(source));
  });

const character = fc.oneof(
  fc.constantFrom(...Array.from('ab-_/.^$|*+?(){}[]\\&!:,<>=d1é€😀')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);
const escaped = fc.oneof(
  fc.constantFrom(...Array.from('dDwWsSbBtnrfvaAzZQEceu01k/-&.')).map((each) => `\\${each}`),
  fc.constantFrom('\\x41', '\\p{L}', '\\P{Nd}', '\\p{Greek}', '\\p{Cn}', '\\p{Alphabetic}', '\\u{41}', '\\q{ab}'),
);
const item = fc.oneof(character, escaped, fc.constantFrom('a-z', '&&', '--', '[b]', '[:digit:]', '^'));
const set = fc
  .tuple(fc.constantFrom('', '^'), fc.array(item, { maxLength: 5 }))
  .map(([not, all]) => `[${not}${all.join('')}]`);
const times = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(99, 100, 500, 1000, 1001, 4000));
const quantifier = fc.oneof(
  fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{,3}'),
  fc
    .tuple(times, fc.constantFrom('', ','), fc.option(times), fc.constantFrom('', '?'))
    .map(
      ([least, comma, most, lazy]) =>
        `{${least}${comma}${comma === '' || most === null ? '' : Math.max(least, most)}}${lazy}`,
    ),
);
const { expression } = fc.letrec<{ expression: string; part: string }>((tie) => ({
  expression: fc.array(tie('part'), { maxLength: 5 }).map((all) => all.join('')),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    character,
    escaped,
    set,
    fc.constantFrom('|', '^', '$', '.'),
    fc
      .tuple(
        fc.constantFrom('(', '(?:', '(?i:', '(?-s:', '(?<n>', '(?=', '(?P<n>'),
        tie('expression'),
        fc.option(quantifier),
      )
      .map(([open, inside, repeated]) => `${open}${inside})${repeated ?? ''}`),
    fc.tuple(tie('part'), quantifier).map(([inside, repeated]) => inside + repeated),
  ),
}));

test('whatever is taken, RE2 takes as it stands and whole, and JavaScript compiles', () => {
  let taken = 0;
  fc.assert(
    fc.property(expression, (source) => {
      if (problemOfExpression(source) !== undefined) return;
      taken++;
      assert.is(refusedByRe2(source), undefined, source);
      assert.is(refusedByRe2(`^${source}$`), undefined, source);
      new RegExp(`^(?:${source})$`, 'v').test('ab');
    }),
    { numRuns: 3000 },
  );
  assert.ok(taken > 300, `only ${taken} were taken`);
});

test('an expression of parts that both know, repeated as RE2 allows, is taken', () => {
  const plain = fc.constantFrom('a', '\\d', '[a-c]', '[^x]', '.', '(?:ab|c)', '(a)');
  fc.assert(
    fc.property(plain, fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: 32 }), (part, inner, outer) => {
      assert.is(problemOfExpression(`^(?:${part}{${inner}}){${outer}}$`), undefined);
    }),
  );
});

test('what has room together, a client takes, and again after a change', () => {
  for (const source of ['a{1000}', String.raw`\p{L}`, '[^x]{300}', '.{500}', '(?:/[a-z0-9_]+){3}']) {
    const room = new ExpressionRoom();
    let count = 0;
    while (problemOfExpression(source, room) === undefined) count++;
    assert.ok(count > 0);
    const compiled = Array.from({ length: 2 * count }, () => new WrappedRE2(`^${source}$`, false, false, false));
    const refused = compiled.filter((each) => !each.ok()).length;
    for (const each of compiled) each.delete();
    assert.is(refused, 0, source);
  }
});

test.run();
