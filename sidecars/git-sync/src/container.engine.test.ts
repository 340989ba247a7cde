/** What only the image shows: directories that change places in one step, and a disk that is full. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { buildImages, imageOf } from '#kit/testing/images.ts';
import { freePort } from '#kit/testing/ports.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestGitServer } from './test-git-server.ts';
import { TestRepository } from './test-repository.ts';
import type { VersionReport } from './test-sidecar.ts';

const test = suite('git-sync in a container');
const IMAGE = imageOf('git-sync');
const run = promisify(execFile);

const containers: string[] = [];
test.before(buildImages);
test.after(async () => {
  for (const name of containers) await run('docker', ['rm', '--force', name]);
});

/** The sidecar with a repository of its own at /repo/it, on which `commit` works. */
class Container {
  readonly name = `git-sync-test-${randomUUID().slice(0, 8)}`;
  #url = '';

  static async start(rootSize: string, env: Readonly<Record<string, string>>): Promise<Container> {
    const self = new Container();
    const variables = Object.entries({
      GITSYNC_REPO: 'file:///repo/it',
      GITSYNC_LINK: 'live',
      GITSYNC_PERIOD: '200ms',
      ...env,
    });
    containers.push(self.name);
    await run('docker', [
      'run',
      '--detach',
      '--name',
      self.name,
      '--label',
      'dev.sidecar-stacks.stack=git-sync-test',
      '--network',
      'bridge',
      '--publish',
      '127.0.0.1:0:9941',
      '--read-only',
      '--cap-drop',
      'ALL',
      '--security-opt',
      'no-new-privileges:true',
      '--init',
      '--tmpfs',
      '/tmp',
      '--tmpfs',
      '/repo:uid=65532,gid=65532,size=64m',
      '--tmpfs',
      `/git:uid=65532,gid=65532,size=${rootSize}`,
      ...variables.flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      IMAGE,
    ]);
    const { stdout } = await run('docker', ['port', self.name, '9941/tcp']);
    self.#url = `http://${stdout.trim().split('\n')[0]!}`;
    await self.exec('git init --quiet --initial-branch=main /repo/it');
    return self;
  }

  async exec(script: string): Promise<string> {
    const { stdout } = await run('docker', ['exec', this.name, 'sh', '-euc', script]);
    return stdout.trim();
  }

  /** Run a script in the repository and commit what it left; the hash. */
  async commit(script: string): Promise<string> {
    const git = 'git -c user.name=t -c user.email=t@example.test';
    return await this.exec(
      `cd /repo/it && ${script} && git add --all && ${git} commit --quiet --message=x && git rev-parse HEAD`,
    );
  }

  async version(): Promise<VersionReport> {
    return JSON.parse((await request(`${this.#url}/version`, { timeout: 5000 })).body.toString()) as VersionReport;
  }

  async reports(what: string, is: (report: VersionReport) => boolean): Promise<VersionReport> {
    return await eventually(
      what,
      async () => {
        const report = await this.version();
        return is(report) && report;
      },
      { within: 60_000 },
    );
  }
}

/** Reads two files of the live version over and over: what was missing, which commits were seen. */
const READER = `
const fs = require('fs');
let reads = 0, missing = 0;
const seen = new Set();
const look = () => {
  for (let i = 0; i < 200; i++) {
    reads++;
    try {
      const directory = fs.openSync('/git/live', fs.constants.O_DIRECTORY);
      const [a, b] = ['a', 'b'].map((name) => fs.readFileSync('/proc/self/fd/' + directory + '/' + name, 'utf8').trim());
      fs.closeSync(directory);
      seen.add(a === b ? a : 'mixture');
    } catch (error) { missing++; }
  }
  if (seen.has('last')) console.log(JSON.stringify({ reads, missing, seen: [...seen] }));
  else setImmediate(look);
};
look();
`;

test('a directory is exchanged without a moment in which it is missing or mixed', async () => {
  const container = await Container.start('64m', { GITSYNC_PUBLISH: 'exchange' });
  const first = await container.commit('echo 0 > a && echo 0 > b');
  await container.reports('the first is live', ({ hash }) => hash === first);
  assert.is(await container.exec('stat --format=%F /git/live'), 'directory');
  const reader = spawn('docker', ['exec', container.name, 'node', '-e', READER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  reader.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
  for (const content of ['1', '2', '3', '4', 'last']) {
    const hash = await container.commit(`echo ${content} > a && echo ${content} > b`);
    await container.reports(`${content} is live`, (report) => report.hash === hash);
  }
  const report = JSON.parse(
    await eventually('the reader has seen the last', () => output.includes('\n') && output, { within: 60_000 }),
  ) as {
    reads: number;
    missing: number;
    seen: string[];
  };
  assert.ok(report.reads > 1000, `${report.reads} reads`);
  assert.is(report.missing, 0);
  assert.not(report.seen.includes('mixture'));
  assert.ok(report.seen.length > 2, `it saw ${report.seen.join()}`);
});

test('a full disk is said, the version before is served, and room is enough to recover', async () => {
  const container = await Container.start('8m', {});
  const first = await container.commit('echo one > file');
  await container.reports('the first is live', ({ hash }) => hash === first);
  const large = await container.commit('head --bytes=12000000 /dev/urandom > large');
  const { error } = await container.reports(
    'it says that the disk is full',
    (report) => report.error?.reason === 'disk-full',
  );
  assert.match(error!.advice, /make room/);
  assert.is((await container.version()).hash, first);
  assert.is(await container.exec('cat /git/live/file'), 'one');
  const small = await container.commit('rm large && echo two > file');
  await container.reports('the small one is live', (report) => report.hash === small && report.error === undefined);
  assert.is.not(small, large);
  assert.is(await container.exec('cat /git/live/file'), 'two');
});

test('a disk that is full is worked with as soon as there is room', async () => {
  const container = await Container.start('8m', {});
  const first = await container.commit('echo one > file');
  await container.reports('the first is live', ({ hash }) => hash === first);
  await container.exec('head --bytes=100000000 /dev/zero > /git/filler 2>/dev/null || true');
  const second = await container.commit('head --bytes=500000 /dev/urandom > data');
  await container.reports('it says that the disk is full', (report) => report.error?.reason === 'disk-full');
  assert.is(await container.exec('cat /git/live/file'), 'one');
  await container.exec('rm /git/filler');
  await container.reports('the second is live', ({ hash, error }) => hash === second && error === undefined);
});

test('a small volume is enough for any number of large commits', async () => {
  const container = await Container.start('64m', { GITSYNC_STALE_WORKTREE_TIMEOUT: '60s' });
  for (let index = 0; index < 20; index++) {
    // The repository itself is kept small too: only what we fetch is looked at.
    const hash = await container.commit(
      'head --bytes=4194304 /dev/urandom > large && rm -rf .git && git init --quiet --initial-branch=main',
    );
    await container.reports(`commit ${index} is live`, (report) => report.hash === hash);
  }
  assert.is((await container.version()).error, undefined);
});

test('with a password for its own server, a submodule on a public one is fetched without', async () => {
  const place = temporaryDirectory('git-sync-proactive');
  const [lib, top] = [new TestRepository(join(place, 'lib')), new TestRepository(join(place, 'top'))];
  lib.commit({ file: 'lib' });
  const [open, closed] = [new TestGitServer(place), new TestGitServer(place)];
  closed.credentials = { username: 'deploy', password: 'secret' };
  const url = `http://127.0.0.1:${await open.listen()}/lib/.git`;
  top.commit({ '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = ${url}\n` });
  top.git('update-index', '--add', '--cacheinfo', `160000,${lib.head()},lib`);
  top.git('commit', '--quiet', '--message=a submodule');
  writeFileSync(join(place, 'password'), 'secret');
  chmodSync(place, 0o755);
  const env = {
    GITSYNC_REPO: `http://127.0.0.1:${await closed.listen()}/top/.git`,
    GITSYNC_USERNAME: 'deploy',
    GITSYNC_LINK: 'live',
    GITSYNC_PASSWORD_FILE: '/secret/password',
    GITSYNC_ONE_TIME: 'true',
    GITSYNC_MAX_FAILURES: '0',
    ADMIN_PORT: String(await freePort()),
    ADMIN_ADDRESS: '127.0.0.1',
  };
  const flags = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const mounts = ['--tmpfs', '/git:uid=65532,gid=65532', '--volume', `${place}:/secret:ro`];
  const { stdout } = await run('docker', ['run', '--rm', '--network', 'host', ...mounts, ...flags, IMAGE]);
  assert.match(stdout, `"hash":"${top.head()}"`);
  assert.equal([...new Set(open.authorizations)], [undefined]);
  assert.ok(
    closed.authorizations.every((each) => each !== undefined),
    'and its own is shown the password at once',
  );
  for (const server of [open, closed]) server.close();
});

test.run();
