import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seconds, words } from '../compose/values.ts';
import { literally, objectName, quantity } from './units.ts';

const test = suite('export: units');

/** Kubernetes' own reading of a value, as its API documents it, with a variable of each name. */
function expanded(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '$' || at + 1 === text.length) out += text[at];
    else if (text[at + 1] === '$') {
      out += '$';
      at++;
    } else if (text[at + 1] === '(') {
      const end = text.indexOf(')', at);
      if (end === -1) out += '$';
      else {
        out += 'REPLACED';
        at = end;
      }
    } else out += '$';
  }
  return out;
}

test('no text is changed by what Kubernetes expands', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', ' '), maxLength: 30 }), (text) => {
      assert.is(expanded(literally(text)), text);
    }),
    { numRuns: 2000 },
  );
});

test('words are those of a shell', () => {
  assert.equal(words(`sh -c 'a "b" c'  "d \\"e\\" \\n" f\\ g ''`), ['sh', '-c', 'a "b" c', 'd "e" \\n', 'f g', '']);
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 8 })), (list) => {
      const line = list.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      assert.equal(words(line), list);
    }),
  );
});

for (const [said, count] of [
  ['90', 90],
  ['1m30s', 90],
  ['100ms', 1],
  ['1500ms', 2],
  ['2h', 7200],
  ['1.5s', 2],
  ['soon', undefined],
  ['5 s', undefined],
  [undefined, undefined],
] as const)
  test(`${said} is ${count} seconds`, () => assert.is(seconds(said), count));

for (const [said, wanted] of [
  ['256m', '256Mi'],
  ['1gb', '1Gi'],
  ['64MiB', '64Mi'],
  ['512k', '512Ki'],
  ['1048576', '1048576'],
  ['1048576b', '1048576'],
  ['1.5g', '1610612736'],
  ['much', undefined],
] as const)
  test(`${said} is the quantity ${wanted}`, () => assert.is(quantity(said), wanted));

test('every name is one that every object takes', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (parts) => {
      assert.match(objectName(...parts), /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }),
  );
  assert.is(objectName('web', '/var/run'), 'web-var-run');
});

test('names that begin alike stay two, however long they are', () => {
  const stem = fc
    .string({ unit: fc.constantFrom('a', 'b', '-'), minLength: 62, maxLength: 90 })
    .map((each) => `a${each}`);
  fc.assert(
    fc.property(stem, (text) => {
      const [one, other] = [objectName(`${text}1`), objectName(`${text}2`)];
      assert.is.not(one, other);
      assert.ok(one.length <= 63);
    }),
  );
  const longest = 'a'.repeat(63);
  assert.is(objectName(longest), longest);
});

test.run();
