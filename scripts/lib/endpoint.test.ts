import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findEndpoint, socketPath } from './endpoint.ts';

const home = mkdtempSync(join(tmpdir(), 'endpoint-test-'));
const docker = join(home, '.docker');
const id = createHash('sha256').update('desktop-linux').digest('hex');
mkdirSync(join(docker, 'contexts', 'meta', id), { recursive: true });
writeFileSync(join(docker, 'config.json'), '{"currentContext": "desktop-linux"}');
writeFileSync(
  join(docker, 'contexts', 'meta', id, 'meta.json'),
  '{"Name": "desktop-linux", "Endpoints": {"docker": {"Host": "unix:///home/u/.docker/desktop/docker.sock"}}}',
);
test.after(() => rmSync(home, { recursive: true }));

const usual = { source: 'default', host: 'unix:///var/run/docker.sock' };
const desktop = { source: 'context', context: 'desktop-linux', host: 'unix:///home/u/.docker/desktop/docker.sock' };

test('the address is found where the docker command finds it', async () => {
  const rows: [string, NodeJS.ProcessEnv, object][] = [
    ['nothing said', { HOME: '/nonexistent' }, usual],
    ['the config file', { HOME: home }, desktop],
    ['another config folder', { HOME: '/nonexistent', DOCKER_CONFIG: docker }, desktop],
    ['DOCKER_CONTEXT over the config file', { HOME: home, DOCKER_CONTEXT: 'default' }, usual],
    ['DOCKER_CONTEXT', { DOCKER_CONFIG: docker, DOCKER_CONTEXT: 'desktop-linux' }, desktop],
    ['an unknown context', { HOME: home, DOCKER_CONTEXT: 'gone' }, { source: 'context', context: 'gone', host: '' }],
    [
      'DOCKER_HOST over all',
      { HOME: home, DOCKER_CONTEXT: 'x', DOCKER_HOST: 'tcp://h:1' },
      { source: 'DOCKER_HOST', host: 'tcp://h:1' },
    ],
    ['an empty DOCKER_HOST', { HOME: '/nonexistent', DOCKER_HOST: '' }, usual],
  ];
  for (const [name, env, expected] of rows) assert.equal(await findEndpoint(env), expected, name);
});

test('a broken config file counts as none', async () => {
  const folder = join(home, 'broken');
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), '{');
  assert.equal(await findEndpoint({ DOCKER_CONFIG: folder }), usual);
});

test('only a unix address has a socket', () => {
  assert.is(socketPath('unix:///run/x.sock'), '/run/x.sock');
  assert.is(socketPath('ssh://host'), undefined);
});

test.run();
