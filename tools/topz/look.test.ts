import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { namesOf } from './look.ts';

const container = (digit: string, name: string, service = '', state = 'running') => ({
  id: digit.repeat(64),
  name,
  state,
  service,
});

test('topz is told what the engine calls its containers', () => {
  const target = container('a', 'stack-web-1', 'web', 'exited');
  const known = [container('b', 'db'), target, container('c', 'gone', '', 'exited'), container('d', 'odd name/é')];
  assert.is(namesOf(target, known), 'aaaaaaaaaaaa=web,bbbbbbbbbbbb=db,dddddddddddd=odd_name__');
});

test.run();
