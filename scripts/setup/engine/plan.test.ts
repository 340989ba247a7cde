import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EngineFacts } from './facts.ts';
import { atLeast, decide, type Plan } from './plan.ts';

type Part<T> = { [K in keyof T]?: T[K] };
interface Case {
  system?: Part<EngineFacts['system']>;
  facts?: Omit<Part<EngineFacts>, 'system'>;
}

const UP = { state: 'up', version: '26.1.5', os: 'linux', arch: 'amd64' } as const;
const DOWN = { state: 'down', detail: 'ENOENT' } as const;

/** A bookworm machine, as root, with a running engine and all that belongs to it; then what differs. */
function observed({ system, facts }: Case): EngineFacts {
  return {
    system: {
      platform: 'linux',
      id: 'debian',
      codename: 'bookworm',
      like: [],
      name: 'Debian 12',
      root: true,
      systemd: true,
      ...system,
    },
    endpoint: { source: 'default', host: 'unix:///var/run/docker.sock' },
    daemon: UP,
    cli: true,
    dockerd: true,
    dockerCe: false,
    compose: '2.26.1',
    buildx: '0.13.1',
    mayInstall: true,
    ...facts,
  };
}

const NOTHING = { daemon: DOWN, cli: false, dockerd: false, compose: undefined, buildx: undefined } as const;
const NO_PLUGINS = { compose: undefined, buildx: undefined } as const;
const HOST = { source: 'DOCKER_HOST', host: 'tcp://10.0.0.1:2375' } as const;
const DESKTOP = {
  source: 'context',
  context: 'desktop-linux',
  host: 'unix:///home/u/.docker/desktop/docker.sock',
} as const;
const MAC = { platform: 'darwin', id: '', codename: '', name: 'macOS', root: false, systemd: false } as const;

const use = { action: 'use' };
const prepare = (install: string[], start: boolean) => ({ action: 'prepare', install, start });
const refuse = (...words: string[]) => ({ action: 'refuse', words });

const TABLE: [string, Case, { action: string; install?: string[]; start?: boolean; words?: string[] }][] = [
  ['all there', {}, use],
  ['all there, not root', { system: { root: false } }, use],
  ['all there, macOS', { system: MAC, facts: { dockerd: false, endpoint: DESKTOP } }, use],
  ['all there, at DOCKER_HOST', { facts: { endpoint: HOST, dockerd: false } }, use],
  ['all there, SETUP_ENGINE=no', { facts: { mayInstall: false } }, use],
  ['no buildx is no reason to touch anything', { facts: { buildx: undefined } }, use],
  ['compose exactly at the limit', { facts: { compose: '2.24.0' } }, use],

  ['bare machine', { facts: NOTHING }, prepare(['engine', 'cli', 'compose', 'buildx'], true)],
  ['bare client', { facts: { ...NOTHING, cli: true } }, prepare(['engine', 'compose', 'buildx'], true)],
  [
    'bare Ubuntu',
    { system: { id: 'ubuntu', codename: 'noble' }, facts: NOTHING },
    prepare(['engine', 'cli', 'compose', 'buildx'], true),
  ],
  [
    'bare machine, not root',
    { system: { root: false }, facts: NOTHING },
    refuse('no container engine', 'sudo make setup'),
  ],
  [
    'bare machine, SETUP_ENGINE=no',
    { facts: { ...NOTHING, mayInstall: false } },
    refuse('no container engine', 'SETUP_ENGINE'),
  ],
  [
    'bare Fedora',
    { system: { id: 'fedora', codename: '' }, facts: NOTHING },
    refuse('no container engine', 'dnf install moby-engine'),
  ],
  ['bare macOS', { system: MAC, facts: NOTHING }, refuse('no container engine', 'brew install')],

  ['stopped', { facts: { daemon: DOWN } }, prepare([], true)],
  ['stopped, without plugins', { facts: { daemon: DOWN, ...NO_PLUGINS } }, prepare(['compose', 'buildx'], true)],
  [
    'stopped, not root',
    { system: { root: false }, facts: { daemon: DOWN } },
    refuse('does not run', 'sudo systemctl enable --now docker'),
  ],
  [
    'stopped, no systemd, not root',
    { system: { root: false, systemd: false }, facts: { daemon: DOWN } },
    refuse('sudo service docker start'),
  ],
  [
    'stopped, SETUP_ENGINE=no',
    { facts: { daemon: DOWN, mayInstall: false } },
    refuse('does not run', 'systemctl enable'),
  ],
  ['stopped on Fedora', { system: { id: 'fedora' }, facts: { daemon: DOWN } }, refuse('does not run')],
  ["stopped, Docker's own packages", { facts: { daemon: DOWN, dockerCe: true } }, prepare([], true)],
  [
    "stopped, Docker's own packages, no compose",
    { facts: { daemon: DOWN, dockerCe: true, ...NO_PLUGINS } },
    refuse('does not run', 'docker-compose-plugin'),
  ],

  ['compose missing', { facts: NO_PLUGINS }, prepare(['compose', 'buildx'], false)],
  ['compose too old', { facts: { compose: '2.23.3' } }, prepare(['compose'], false)],
  ['compose 1.29', { facts: { compose: '1.29.2', buildx: undefined } }, prepare(['compose', 'buildx'], false)],
  [
    'compose missing, not root',
    { system: { root: false }, facts: NO_PLUGINS },
    refuse('docker compose does not answer'),
  ],
  [
    'compose too old, not root',
    { system: { root: false, codename: 'trixie' }, facts: { compose: '2.20.0' } },
    refuse('2.20.0, older than 2.24', 'sudo apt-get install'),
  ],
  [
    "compose missing, Docker's own packages",
    { facts: { dockerCe: true, ...NO_PLUGINS } },
    refuse('docker-compose-plugin'),
  ],
  [
    'compose missing, at DOCKER_HOST',
    { facts: { endpoint: HOST, ...NO_PLUGINS } },
    refuse('docker compose does not answer'),
  ],
  [
    'socket there, command missing',
    { facts: { cli: false, ...NO_PLUGINS } },
    prepare(['cli', 'compose', 'buildx'], false),
  ],

  [
    'DOCKER_HOST answers not',
    { facts: { endpoint: HOST, daemon: DOWN } },
    refuse('tcp://10.0.0.1:2375', 'DOCKER_HOST', 'unset DOCKER_HOST'),
  ],
  ['DOCKER_HOST answers not, bare machine', { facts: { ...NOTHING, endpoint: HOST } }, refuse('DOCKER_HOST')],
  [
    'context answers not',
    { facts: { endpoint: DESKTOP, daemon: DOWN } },
    refuse('"desktop-linux"', 'Start Docker Desktop', 'docker context use default'),
  ],
  [
    'context without an address',
    { facts: { endpoint: { source: 'context', context: 'gone', host: '' }, daemon: DOWN } },
    refuse('"gone"', 'docker context use default'),
  ],
  [
    'permission',
    { system: { root: false }, facts: { daemon: { state: 'permission', detail: 'EACCES' }, compose: undefined } },
    refuse('may not talk', 'usermod -aG docker', 'sudo'),
  ],
  [
    'silent',
    { facts: { daemon: { state: 'silent', detail: 'no answer within 5 s' } } },
    refuse('no answer within 5 s'),
  ],
  ['Windows containers', { facts: { daemon: { ...UP, os: 'windows' } } }, refuse('windows containers')],
];

for (const [name, given, expected] of TABLE) {
  test(name, () => {
    const plan = decide(observed(given));
    assert.is(plan.action, expected.action, text(plan));
    if (plan.action === 'prepare') assert.equal([plan.install, plan.start], [expected.install, expected.start]);
    for (const part of expected.words ?? []) assert.ok(text(plan).includes(part), `no ${part} in: ${text(plan)}`);
  });
}

test('nothing is installed or started without leave, without root, or for a chosen engine', () => {
  for (const [name, given] of TABLE) {
    const facts = observed(given);
    const variants: EngineFacts[] = [
      { ...facts, mayInstall: false },
      { ...facts, system: { ...facts.system, root: false } },
      { ...facts, endpoint: HOST },
      { ...facts, endpoint: DESKTOP },
    ];
    for (const variant of variants) assert.is.not(decide(variant).action, 'prepare', name);
  }
});

test('whatever is refused says what to do', () => {
  for (const [name, given] of TABLE) {
    const plan = decide(observed(given));
    if (plan.action === 'refuse') assert.ok(plan.advice.length > 0, name);
  }
});

test('versions are compared as programs print them', () => {
  const newer = ['2.24.0', '2.24', 'v2.24.0-rc.1', '2.26.1-4+b2', 'Docker Compose version v2.29.7-desktop.1', 'v5.2.0'];
  for (const version of newer) assert.ok(atLeast(version, '2.24'), version);
  for (const version of [undefined, '', 'dev', '2.3', '2.23.3', '1.29.2'])
    assert.not(atLeast(version, '2.24'), version);
  assert.ok(atLeast('26.1.5+dfsg1', '25'));
  assert.ok(atLeast('github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3', '0.13'));
});

function text(plan: Plan): string {
  return plan.action === 'refuse' ? [plan.because, ...plan.advice].join('\n') : JSON.stringify(plan);
}

test.run();
