/** Programs of others by Go, with a `go` of the test's that copies its go.mod instead of compiling. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { findPeer, PEERS, providePeer, versionIn, type Peer } from './go-program.ts';
import { ROOT } from './stacks.ts';

const PEER = 'oauth2-proxy';
const { PATH } = process.env;

/** A root with the peer's module, an empty cache, and a `go` that does as told. */
function places(script: string): { root: string; built: string; calls: () => string[]; write: (text: string) => void } {
  const root = temporaryDirectory('go');
  const [bin, folder, log] = [join(root, 'bin'), join(root, 'scripts/peers', PEER), join(root, 'calls')];
  for (const each of [bin, folder]) mkdirSync(each, { recursive: true });
  const write = (text: string): void => writeFileSync(join(folder, 'go.mod'), text);
  write('one');
  writeFileSync(join(bin, 'go'), `#!/bin/sh\necho "$GOFLAGS $*" >> ${log}\n${script}\n`);
  chmodSync(join(bin, 'go'), 0o755);
  process.env['PATH'] = `${bin}:${PATH}`;
  return { root, built: join(root, 'built'), calls: () => readFileSync(log, 'utf8').trim().split('\n'), write };
}

/** Of `go build`, whose file follows `-o`. */
const BUILDS = 'while [ "$1" != -o ]; do shift; done; cp go.mod "$2"';
const quiet = (): void => {};

test.after.each(() => {
  process.env['PATH'] = PATH;
});

test('a program is built once for the versions in its go.mod, and again for other versions', async () => {
  const { calls, write, ...at } = places(BUILDS);
  assert.is(await findPeer(PEER, at), undefined);
  const said: string[] = [];
  const first = await providePeer(PEER, (line) => said.push(line), at);
  assert.ok('path' in first, JSON.stringify(first));
  assert.is(await findPeer(PEER, at), first.path);
  assert.equal(await providePeer(PEER, quiet, at), first);
  assert.is(calls().length, 1);
  assert.match(calls()[0]!, /^-mod=readonly /);
  assert.match(calls()[0]!, PEERS[PEER]);
  assert.equal(said, [`building ${PEER} (minutes, the first time)`]);
  write('two');
  assert.is(await findPeer(PEER, at), undefined);
  const second = await providePeer(PEER, quiet, at);
  assert.ok('path' in second && second.path !== first.path);
  // The one of before stays: another clone may have it.
  assert.equal(
    [first, second].map(({ path }) => readFileSync(path, 'utf8')),
    ['one', 'two'],
  );
});

test('what cannot be built is told with its last lines, and leaves nothing that looks built', async () => {
  const { calls: _calls, write: _write, ...at } = places(`${BUILDS}; echo "no such host" >&2; exit 1`);
  const provided = await providePeer(PEER, quiet, at);
  assert.equal(provided, { missing: `${PEER} cannot be had: go build failed\nno such host` });
  assert.is(await findPeer(PEER, at), undefined);
  const [folder] = readdirSync(join(at.built, 'peers'));
  assert.equal(readdirSync(join(at.built, 'peers', folder!)), []);
});

test('without Go it is told how to get it', async () => {
  const { root, built } = places('');
  process.env['PATH'] = join(root, 'nothing');
  const provided = await providePeer(PEER, quiet, { root, built });
  assert.match('missing' in provided ? provided.missing : '', 'there is no Go here');
});

test('every peer has its versions and checksums written down', () => {
  for (const peer of Object.keys(PEERS) as Peer[])
    for (const file of ['go.mod', 'go.sum'])
      assert.ok(readFileSync(join(ROOT, 'scripts/peers', peer, file), 'utf8').length > 0, `${peer}/${file}`);
});

test('the version of a module is the one of go.mod, direct or indirect', async () => {
  const { calls: _calls, write, ...at } = places('');
  write('module x\n\nrequire a.org/one v1.2.3\n\nrequire (\n\ta.org/one/v7 v7.1.0 // indirect\n)\n');
  assert.is(await versionIn(PEER, 'a.org/one', at), '1.2.3');
  assert.is(await versionIn(PEER, 'a.org/one/v7', at), '7.1.0');
});

test.run();
