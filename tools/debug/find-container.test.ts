import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findContainer, NotFound, type Container } from './find-container.ts';

const all: Container[] = [
  { id: 'abc111', name: 'shop-web-1', service: 'web', state: 'running' },
  { id: 'abd222', name: 'shop-db-1', service: 'db', state: 'running' },
  { id: 'f00333', name: 'blog-web-1', service: 'web', state: 'exited' },
  { id: 'f01444', name: 'lonely', service: '', state: 'running' },
  { id: 'f02555', name: 'db', service: '', state: 'running' },
];
const refused = (wanted: string, containers = all): string => {
  try {
    return findContainer(wanted, containers).name;
  } catch (error) {
    assert.instance(error, NotFound);
    return (error as Error).message;
  }
};

for (const [wanted, name] of [
  ['shop-web-1', 'shop-web-1'],
  ['abd222', 'shop-db-1'],
  ['abc', 'shop-web-1'],
  ['web', 'shop-web-1'],
  ['lone', 'lonely'],
  // A name counts before a service, a service before a part of a name.
  ['db', 'db'],
] as const)
  test(`${wanted} means ${name}`, () => assert.is(findContainer(wanted, all).name, name));

test('what may be several is not guessed', () => {
  assert.is(refused('ab'), '"ab" may be any of these; give its whole name or its id.\n  shop-db-1\n  shop-web-1');
  assert.is(refused('shop'), '"shop" may be any of these; give its whole name or its id.\n  shop-db-1\n  shop-web-1');
});

test('one that does not run is told so', () => {
  assert.is(refused('blog-web-1'), 'blog-web-1 does not run (exited).');
});

test('an unknown one is answered with what was probably meant, and with what there is', () => {
  assert.match(
    refused('shop-wep-1'),
    /^There is no container "shop-wep-1"; did you mean shop-web-1\?\nRunning are:\n {2}db\n/,
  );
  assert.is(refused('x', []), 'There is no container "x"; none is running.');
  assert.match(refused(''), /^There is no container ""/);
  const many = Array.from({ length: 13 }, (_, index) => ({ ...all[3]!, name: `n${index + 10}` }));
  assert.match(refused('zzzzzz', many), /\n {2}and 3 more$/);
});

test.run();
