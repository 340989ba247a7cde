import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { engineAdvice, permissionAdvice, pluginAdvice, startAdvice } from './advice.ts';
import type { Endpoint } from '../../lib/endpoint.ts';
import type { System } from './system.ts';

const on = (id: string, codename = '', more: Partial<System> = {}): System => ({
  platform: 'linux',
  id,
  codename,
  like: [],
  name: `${id} ${codename}`.trim(),
  root: false,
  systemd: true,
  ...more,
});

const SYSTEMS: [string, System, string][] = [
  ['macOS', on('', '', { platform: 'darwin', name: 'macOS' }), 'brew install --cask docker-desktop'],
  ['Windows', on('', '', { platform: 'win32', name: 'win32' }), 'WSL'],
  ['Debian 13', on('debian', 'trixie'), 'sudo apt-get install docker.io docker-compose docker-buildx'],
  ['Debian 12', on('debian', 'bookworm'), 'docs.docker.com/engine/install/debian/'],
  ['Debian 11', on('debian', 'bullseye'), 'docs.docker.com/engine/install/'],
  ['Ubuntu', on('ubuntu', 'noble'), 'sudo apt-get install docker.io docker-compose-v2 docker-buildx'],
  [
    'Linux Mint',
    on('linuxmint', 'wilma', { like: ['ubuntu', 'debian'] }),
    'sudo apt-get install docker.io docker-compose-v2',
  ],
  ['Raspberry Pi OS', on('raspbian', 'bookworm', { like: ['debian'] }), 'docs.docker.com/engine/install/'],
  ['Fedora', on('fedora'), 'sudo dnf install moby-engine docker-cli docker-compose docker-buildx'],
  ['Rocky', on('rocky', '', { like: ['rhel', 'centos', 'fedora'] }), 'dnf'],
  ['Manjaro', on('manjaro', '', { like: ['arch'] }), 'sudo pacman -S docker docker-compose docker-buildx'],
  ['Alpine', on('alpine'), 'sudo apk add docker docker-cli-compose docker-cli-buildx'],
  ['openSUSE', on('opensuse-leap', '', { like: ['suse', 'opensuse'] }), 'sudo zypper install docker'],
  ['unknown', on('plan9'), 'docs.docker.com/engine/install/'],
];

for (const [name, system, expected] of SYSTEMS) {
  test(`${name}: what to install is said exactly`, () => {
    const lines = engineAdvice(system, true);
    assert.ok(lines.join('\n').includes(expected), lines.join('\n'));
    assert.ok(lines.some((line) => line.startsWith('    ')));
    for (const line of lines) assert.ok(line.length <= 80 - 4, line);
  });
}

test('root is not told to use sudo', () => {
  assert.not.match(engineAdvice(on('fedora', '', { root: true }), true).join('\n'), 'sudo');
});

test('with SETUP_ENGINE=no the variable is named', () => {
  assert.match(engineAdvice(on('debian', 'trixie', { root: true }), false).join('\n'), 'SETUP_ENGINE');
});

test('plugins come from where the engine came from', () => {
  assert.match(pluginAdvice(on('ubuntu', 'noble'), true).join('\n'), 'docker-compose-plugin');
  assert.match(pluginAdvice(on('ubuntu', 'noble'), false).join('\n'), 'docker-compose-v2');
  assert.match(pluginAdvice(on('fedora'), false).join('\n'), 'docs.docker.com/compose/install');
});

test('how to start it depends on who chose it and what keeps services', () => {
  const usual: Endpoint = { source: 'default', host: 'unix:///var/run/docker.sock' };
  const rows: [System, Endpoint, string][] = [
    [on('debian'), usual, 'sudo systemctl enable --now docker'],
    [on('debian', '', { systemd: false }), usual, 'sudo service docker start'],
    [on('', '', { platform: 'darwin' }), usual, 'Start Docker Desktop'],
    [on('debian'), { source: 'DOCKER_HOST', host: 'tcp://x' }, 'unset DOCKER_HOST'],
    [on('debian'), { source: 'context', host: '', context: 'colima' }, 'colima start'],
    [on('debian'), { source: 'context', host: '', context: 'rootless' }, 'docker context use default'],
  ];
  for (const [system, endpoint, expected] of rows) assert.match(startAdvice(system, endpoint).join('\n'), expected);
});

test('who may not open the socket is told of the group', () => {
  const usual: Endpoint = { source: 'default', host: 'unix:///var/run/docker.sock' };
  assert.match(permissionAdvice(on('debian'), usual).join('\n'), 'sudo usermod -aG docker "$USER"');
});

test.run();
