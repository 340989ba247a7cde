/** What `docker build` is told of a recipe. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildArguments } from './images.ts';

const test = suite('images');

test('a recipe as compose resolves it becomes arguments', () => {
  assert.equal(
    buildArguments('part:dev', {
      context: '/stack',
      dockerfile: 'images/Dockerfile',
      target: 'last',
      args: { BASE: 'base:1', TOKEN: null },
      labels: { 'a.b': 'c d' },
    }),
    [
      'build',
      '--tag',
      'part:dev',
      '--file',
      '/stack/images/Dockerfile',
      '--target',
      'last',
      '--build-arg',
      'BASE=base:1',
      '--build-arg',
      'TOKEN',
      '--label',
      'a.b=c d',
      '/stack',
    ],
  );
});

test('a key that is not translated is an error that names it', () => {
  assert.throws(() => buildArguments('part:dev', { context: '/stack', network: 'host' }), /part:dev: network is not/);
});

test.run();
