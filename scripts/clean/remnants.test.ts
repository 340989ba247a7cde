import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isInherited, isNamed, parseRemnants } from './remnants.ts';

test('lists are read as the engine prints them', () => {
  assert.equal(parseRemnants('container', 'abc\thttps-pod-1\ndef\thttps-app-1\n'), [
    { kind: 'container', id: 'abc', name: 'https-pod-1' },
    { kind: 'container', id: 'def', name: 'https-app-1' },
  ]);
  assert.equal(parseRemnants('volume', ''), []);
});

test("an image is removed by its name, so that somebody else's name for it stays", () => {
  assert.equal(
    parseRemnants('image', 'abc\tsidecar-stacks/tls:dev\nabc\tother/copy:1\ndef\t<none>:<none>\ndef\t<none>:<none>'),
    [
      { kind: 'image', id: 'sidecar-stacks/tls:dev', name: 'sidecar-stacks/tls:dev' },
      { kind: 'image', id: 'other/copy:1', name: 'other/copy:1' },
      { kind: 'image', id: 'def', name: 'unnamed def' },
    ],
  );
});

test('an image that lost its name is told from one that has it', () => {
  const named = (line: string) => parseRemnants('image', line).map(isNamed);
  assert.equal(named('a\tsidecar-stacks/tls:dev'), [true]);
  assert.equal(named('a\t<none>:<none>'), [false]);
  assert.is(isNamed({ kind: 'network', id: 'abc', name: 'n' }), true);
});

test('an image with a name that is not ours has only inherited our label', () => {
  const inherited = (line: string) => parseRemnants('image', line).map(isInherited);
  assert.equal(inherited('a\tsidecar-stacks/tls:dev'), [false]);
  assert.equal(inherited('a\tsomeone/app:1'), [true]);
  assert.equal(inherited('a\t<none>:<none>'), [false]);
  assert.is(isInherited({ kind: 'volume', id: 'v', name: 'v' }), false);
});

test.run();
