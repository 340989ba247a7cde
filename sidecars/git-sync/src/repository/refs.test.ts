/** Which commit a name means among a server's refs. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseRef, isHash, parseRefs } from './refs.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const C = 'c'.repeat(64);

test('names are looked for where git looks, in its order, and tags are followed to their commits', () => {
  const refs = parseRefs(
    [
      `${A}\tHEAD`,
      `${A}\trefs/heads/main`,
      `${B}\trefs/heads/work/main`,
      `${B}\trefs/heads/v1`,
      `${A}\trefs/tags/v1`,
      `${C}\trefs/tags/v1^{}`,
    ].join('\n'),
  );
  assert.is(chooseRef(refs, 'HEAD'), A);
  assert.is(chooseRef(refs, 'main'), A);
  assert.is(chooseRef(refs, 'work/main'), B);
  assert.is(chooseRef(refs, 'v1'), C, 'the tag before the branch, its commit before itself');
  assert.is(chooseRef(refs, 'heads/v1'), B);
  assert.is(chooseRef(refs, 'refs/heads/v1'), B);
  assert.is(chooseRef(refs, 'ain'), undefined);
});

test('whatever a server says, only hashes are believed', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, name) => {
      const found = chooseRef(parseRefs(text), name);
      assert.ok(found === undefined || isHash(found));
    }),
  );
  const name = fc.stringMatching(/^[\w./-]{1,20}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.constantFrom(A, B, C)), (refs) => {
      const text = Object.entries(refs)
        .map(([each, hash]) => `${hash}\t${each}\n`)
        .join('');
      assert.equal(Object.fromEntries(parseRefs(text)), { ...refs });
    }),
  );
});

test.run();
