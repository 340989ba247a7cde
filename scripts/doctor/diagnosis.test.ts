import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { diagnose } from './diagnosis.ts';
import type { Inspection } from './inspect.ts';

const WELL: Inspection = {
  facts: {
    system: {
      platform: 'linux',
      id: 'debian',
      codename: 'trixie',
      like: [],
      name: 'Debian 13',
      root: true,
      systemd: false,
    },
    endpoint: { source: 'default', host: 'unix:///var/run/docker.sock' },
    daemon: { state: 'up', version: '26.1.5', os: 'linux', arch: 'amd64' },
    cli: true,
    dockerd: true,
    dockerCe: false,
    compose: '2.26.1',
    buildx: '0.13.1',
    mayInstall: true,
  },
  engineHost: { folder: '/var/lib/docker', cgroups: 'v2, driver systemd', memoryBytes: 16e9, cpus: 4 },
  freeBytes: 50e9,
  registry: 'unreachable',
  missing: [],
  hostNode: 'v20.20.2',
  npm: '11.0.0',
  pinnedNode: 'v26.10.0',
  machine: { cpus: 4, memoryBytes: 16e9 },
};

/** What of a report is not all right, as `mark name`. */
const complaints = (inspection: Inspection) =>
  diagnose(inspection)
    .filter(({ mark }) => mark !== 'ok')
    .map(({ mark, name }) => `${mark} ${name}`);

const facts = (changed: Partial<Inspection['facts']>): Inspection => ({
  ...WELL,
  facts: { ...WELL.facts, ...changed },
});
const without = { engineHost: undefined, missing: undefined, registry: 'not asked' } as const;
const notRoot = { ...WELL.facts.system, root: false };

test('what is missing is marked, and only that', () => {
  const rows: [string, Inspection, string[]][] = [
    ['all well', WELL, []],
    [
      'an old engine',
      facts({ daemon: { state: 'up', version: '20.10.24', os: 'linux', arch: 'amd64' } }),
      ['note engine'],
    ],
    ['no buildx', facts({ buildx: undefined }), ['note buildx']],
    ['no compose', facts({ compose: undefined }), ['bad compose']],
    [
      'no engine',
      { ...facts({ daemon: { state: 'down', detail: 'ENOENT' } }), ...without },
      ['bad engine', 'note registry'],
    ],
    ['an image is missing', { ...WELL, missing: ['sidecar-stacks/node:26'] }, ['bad base images']],
    [
      'an image is missing and cannot be had',
      { ...facts({ system: notRoot }), missing: ['sidecar-stacks/node:26'] },
      ['bad registry', 'bad base images'],
    ],
    ['images there, no registry, not root', facts({ system: notRoot }), []],
    ['little disk', { ...WELL, freeBytes: 3e9 }, ['note free disk']],
    ['no disk', { ...WELL, freeBytes: 1e9 }, ['bad free disk']],
    ['disk elsewhere', { ...WELL, freeBytes: undefined }, []],
    [
      'little memory',
      { ...WELL, engineHost: { folder: '/', cgroups: 'v2', memoryBytes: 1e9, cpus: 1 } },
      ['note memory'],
    ],
    ['no npm', { ...WELL, npm: undefined }, ['note npm']],
  ];
  for (const [name, inspection, expected] of rows) assert.equal(complaints(inspection), expected, name);
});

test('whatever is bad comes with advice', () => {
  const ill: Inspection[] = [
    facts({ compose: '2.20' }),
    { ...facts({ daemon: { state: 'down', detail: 'ENOENT' }, dockerd: false }), ...without },
    { ...WELL, missing: ['x'], freeBytes: 0 },
  ];
  for (const inspection of ill) {
    for (const { mark, name, advice = [] } of diagnose(inspection))
      assert.ok(mark !== 'bad' || advice.length > 0, name);
  }
});

test.run();
