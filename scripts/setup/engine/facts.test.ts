import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askEngine, findProgram, readVersion } from './facts.ts';

const folder = mkdtempSync(join(tmpdir(), 'facts-test-'));
const servers: Server[] = [];
test.after(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** Something that listens where an engine would, and does this with every connection. */
async function listen(name: string, answer: (socket: Socket) => void): Promise<string> {
  const path = join(folder, name);
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const ask = (path: string) => askEngine({ source: 'default', host: `unix://${path}` }, false);
const http = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;

test('an engine tells its version, its system and its processor', async () => {
  const body = '{"Version": "26.1.5+dfsg1", "ApiVersion": "1.45", "Os": "linux", "Arch": "arm64"}';
  const path = await listen('up', (socket) => socket.end(http(body)));
  assert.equal(await ask(path), { state: 'up', version: '26.1.5+dfsg1', os: 'linux', arch: 'arm64' });
});

test('no socket, and a socket that nobody listens on, are a stopped engine', async () => {
  assert.equal(await ask(join(folder, 'none')), { state: 'down', detail: 'ENOENT' });
  writeFileSync(join(folder, 'left-over'), '');
  assert.is((await ask(join(folder, 'left-over'))).state, 'down');
});

test('whatever else answers is no engine', async () => {
  const web = await listen('web', (socket) => socket.end(http('<html>')));
  const rude = await listen('rude', (socket) => socket.destroy());
  assert.is((await ask(web)).state, 'silent');
  assert.is((await ask(rude)).state, 'silent');
});

test('an address that only the docker command understands needs that command', async () => {
  const daemon = await askEngine({ source: 'DOCKER_HOST', host: 'ssh://nowhere' }, false);
  assert.is(daemon.state, 'down');
});

test('answers without a version are not taken for one', () => {
  for (const body of ['', 'null', '{}', '[]', '{"Version": 1, "Os": "linux", "Arch": "amd64"}']) {
    assert.is(readVersion(body).state, 'silent', body);
  }
});

test('a program is a file that can be executed, in the first folder that has one', () => {
  const [first, second] = ['a', 'b'].map((name) => join(folder, name)) as [string, string];
  for (const path of [first, second]) mkdirSync(path);
  writeFileSync(join(first, 'tool'), '');
  writeFileSync(join(second, 'tool'), '');
  chmodSync(join(second, 'tool'), 0o755);
  assert.is(findProgram('tool', [first, second]), join(second, 'tool'));
  assert.is(findProgram('tool', [first]), undefined);
});

test.run();
