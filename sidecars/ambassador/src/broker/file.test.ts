/** The broker's file as it changes: by rename, by symlink as ConfigMaps and config-sync do, and without events. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '#kit/telemetry/log.ts';
import { Readiness } from '#kit/life/readiness.ts';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { BrokerFile } from './file.ts';

const text = (server: string): string => `services:\n  app: { port: 8080, servers: ["${server}"] }\n`;

function watched(path: string, poll = 100) {
  const readiness = new Readiness();
  const seen: string[] = [];
  const state = { refused: 0, port: 'free' };
  const file = new BrokerFile({
    path,
    poll,
    check: readiness.check('file'),
    log: createLog('test', 'silent'),
    async onServices(services) {
      if (state.port === 'taken') throw new Error('app.port: 8080 is taken');
      seen.push(services.get('app')!.servers[0]!.host);
    },
    onRefused: () => void state.refused++,
  });
  const reason = (): string => readiness.report().checks['file']!.reason ?? '';
  return { file, seen, state, reason };
}

function replace(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

test('a replaced file is read; garbage is refused with its line, and the last good one goes on', async () => {
  const path = join(temporaryDirectory('broker'), 'servers.yaml');
  writeFileSync(path, text('a:1'));
  const { file, seen, state, reason } = watched(path);
  await file.start();
  assert.equal(seen, ['a']);
  assert.is(reason(), '');
  replace(path, 'services:\n  app:\n    port: nine\n');
  await eventually('it is refused', () => reason() !== '');
  assert.match(reason(), /servers\.yaml: line 2: app has no servers; the last good one goes on|line 3/);
  replace(path, text('b:1'));
  await eventually('the next good one is taken', () => seen.length === 2);
  await eventually('and all is well', () => reason() === '');
  assert.equal(seen, ['a', 'b']);
  assert.is(state.refused, 1);
  rmSync(path);
  await eventually('it is missed', () => reason() !== '');
  assert.match(reason(), /cannot be read \(ENOENT\); the last good one goes on/);
  replace(path, text('b:1'));
  await eventually('it is back', () => reason() === '');
  file.close();
});

test('a directory of symlinks that is swapped, as Kubernetes and config-sync do it', async () => {
  const root = temporaryDirectory('broker');
  const publish = (name: string, server: string): void => {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, 'servers.yaml'), text(server));
    symlinkSync(name, join(root, 'data.new'));
    renameSync(join(root, 'data.new'), join(root, '..data'));
  };
  publish('v1', 'a:1');
  symlinkSync('..data/servers.yaml', join(root, 'servers.yaml'));
  const { file, seen } = watched(join(root, 'servers.yaml'), 2_000);
  await file.start();
  for (const [index, server] of ['b', 'c', 'd'].entries()) {
    publish(`v${index + 2}`, `${server}:1`);
    rmSync(join(root, `v${index + 1}`), { recursive: true });
    await eventually(`${server} is taken`, () => seen.at(-1) === server);
  }
  file.close();
});

test('it starts before its file: nothing happens until there is a good one', async () => {
  const path = join(temporaryDirectory('broker'), 'later', 'servers.yaml');
  const { file, seen, reason } = watched(path);
  const started = file.start();
  await eventually('it says what it waits for', () => reason().includes('ENOENT'));
  mkdirSync(join(path, '..'));
  writeFileSync(path, 'garbage');
  await eventually('it says what is wrong', () => reason().includes('line 1'));
  replace(path, text('a:1'));
  await eventually('it is taken', () => seen.length > 0);
  await started;
  assert.equal(seen, ['a']);
  file.close();
});

test('what cannot be put to use is tried again, without the file being touched', async () => {
  const path = join(temporaryDirectory('broker'), 'servers.yaml');
  writeFileSync(path, text('a:1'));
  const { file, seen, state, reason } = watched(path);
  state.port = 'taken';
  const started = file.start();
  await eventually('it is refused', () => reason().includes('8080 is taken'));
  await steadily(() => assert.is(state.refused, 1), 300);
  state.port = 'free';
  await eventually('it is taken', () => seen.length > 0);
  await started;
  assert.equal(seen, ['a']);
  file.close();
});

test('what is no file, or too long, is refused without reading it', async () => {
  const root = temporaryDirectory('broker');
  const { file, reason } = watched(root);
  void file.start();
  await eventually('a directory is refused', () => reason() !== '');
  file.close();
  const path = join(root, 'long.yaml');
  writeFileSync(path, '#'.repeat(1024 * 1024));
  const long = watched(path);
  void long.file.start();
  await eventually('a long one is refused', () => long.reason().includes('more than 65536 bytes'));
  long.file.close();
});

test.run();
