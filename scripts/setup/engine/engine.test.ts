import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packagesFor } from './engine.ts';
import type { Component } from './plan.ts';

const ALL: Component[] = ['engine', 'cli', 'compose', 'buildx'];

test('the packages go by the names of the distribution', () => {
  const rows: [string, string, string][] = [
    ['debian', 'bookworm', 'docker.io/trixie docker-cli/trixie docker-compose/trixie docker-buildx/trixie'],
    ['debian', 'trixie', 'docker.io docker-cli docker-compose docker-buildx'],
    ['debian', 'forky', 'docker.io docker-cli docker-compose docker-buildx'],
    ['ubuntu', 'noble', 'docker.io docker-compose-v2 docker-buildx'],
  ];
  for (const [id, codename, expected] of rows) assert.is(packagesFor({ id, codename }, ALL).join(' '), expected);
});

test('only what is missing is named', () => {
  assert.equal(packagesFor({ id: 'debian', codename: 'trixie' }, ['compose']), ['docker-compose']);
});

test.run();
