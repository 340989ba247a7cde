/** Servers that want credentials, and servers that fail: what is live stays, and no secret is shown. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { TestGitServer } from './test-git-server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

const SECRET = 'correct horse/battery+staple%41';

interface Scene {
  readonly repository: TestRepository;
  readonly server: TestGitServer;
  readonly port: number;
  readonly url: string;
}

async function scene(): Promise<Scene> {
  const repository = new TestRepository();
  repository.commit({ file: 'one' });
  const server = new TestGitServer(dirname(repository.directory));
  const port = await server.listen();
  return { repository, server, port, url: `http://127.0.0.1:${port}/${basename(repository.directory)}/.git` };
}

/** Every process' arguments and environment that we may read. */
function visible(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
}

test('a password from a file: wrong, then rotated to the right one, and shown nowhere', async () => {
  const { repository, server, url } = await scene();
  server.credentials = { username: 'deploy', password: SECRET };
  let seen = '';
  server.intercept = (request) => {
    // While git waits for this answer, it and its helpers run.
    if (request.headers.authorization !== undefined) seen += visible();
    return false;
  };
  const scratch = temporaryDirectory('git-sync-scratch');
  const file = join(temporaryDirectory('git-sync-secret'), 'password');
  writeFileSync(file, 'a wrong secret\n');
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: url,
    GITSYNC_USERNAME: 'deploy',
    GITSYNC_PASSWORD_FILE: file,
    GITSYNC_ERROR_FILE: 'error.json',
    LOG_LEVEL: 'trace',
    TMPDIR: scratch,
  });
  const { error } = await sidecar.reports('it is refused', (report) => report.error?.reason === 'authentication');
  assert.match(error!.advice, /GITSYNC_PASSWORD_FILE/);
  const written = await eventually('the error file is there', () =>
    readFileSync(join(sidecar.root, 'error.json'), 'utf8'),
  );
  writeFileSync(file, `${SECRET}\n`);
  await sidecar.lives(repository.head());
  const next = repository.commit({ file: 'two' });
  await sidecar.lives(next);
  assert.is(await sidecar.stop(), 0);
  assert.match(seen, /GITSYNC_CREDENTIALS=/, 'git was seen');
  const encoded = [
    SECRET,
    encodeURIComponent(SECRET),
    Buffer.from(`deploy:${SECRET}`).toString('base64'),
    'a wrong secret',
  ];
  for (const secret of encoded) {
    assert.not(seen.includes(secret), 'in no argument or environment');
    assert.not((sidecar.output + written).includes(secret), 'in no log or error');
  }
  assert.equal(readdirSync(scratch), [], 'nothing is left of it after the end');
});

test('credentials from a URL, asked before each sync', async () => {
  const { repository, server, url } = await scene();
  server.credentials = { username: 'robot', password: 'token-1' };
  let answer = { status: 200, body: 'username=robot\npassword=token-0\n' };
  const askpass: Server = createServer((_request, response) => void response.writeHead(answer.status).end(answer.body));
  askpass.listen(0, '127.0.0.1').unref();
  await once(askpass, 'listening');
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: url,
    GITSYNC_ASKPASS_URL: `http://127.0.0.1:${(askpass.address() as AddressInfo).port}/`,
  });
  await sidecar.reports(
    'the first token is wrong',
    ({ error }) =>
      error?.reason === 'authentication' && /Authentication failed|could not read|401|terminal/.test(error.error),
  );
  answer = { status: 500, body: 'password=never-shown' };
  await sidecar.reports('the answer is none', ({ error }) => /answered 500/.test(error?.error ?? ''));
  answer = { status: 200, body: 'hello' };
  await sidecar.reports('the answer is not understood', ({ error }) =>
    /without username= and password= lines/.test(error?.error ?? ''),
  );
  answer = { status: 200, body: 'username=robot\npassword=token-1\n' };
  await sidecar.lives(repository.head());
  await sidecar.stop();
  assert.not(/token-\d|never-shown/.test(sidecar.output));
  askpass.close();
  askpass.closeAllConnections();
});

test('credentials go to the repository’s own server, and not where it redirects to', async () => {
  const { repository, server, url } = await scene();
  server.credentials = { username: 'deploy', password: SECRET };
  const thief = new TestGitServer(dirname(repository.directory));
  const port = await thief.listen();
  server.intercept = (request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${port}${request.url}` }).end();
    return true;
  };
  thief.credentials = { username: 'other', password: 'other' };
  const file = join(temporaryDirectory('git-sync-secret'), 'password');
  writeFileSync(file, SECRET);
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: url,
    GITSYNC_USERNAME: 'deploy',
    GITSYNC_PASSWORD_FILE: file,
  });
  await eventually('the thief was asked', () => thief.authorizations.length > 2);
  const right = `Basic ${Buffer.from(`deploy:${SECRET}`).toString('base64')}`;
  assert.not(thief.authorizations.includes(right));
  await sidecar.stop();
  thief.close();
  server.close();
});

test('a server that is down, slow, refuses or sends garbage is named as such; sync recovers', async () => {
  const { repository, server, port, url } = await scene();
  const first = repository.head();
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: url,
    GITSYNC_SYNC_TIMEOUT: '2s',
    GITSYNC_ERROR_FILE: 'error.json',
  });
  await sidecar.lives(first);
  const fails = async (what: string, reason: RegExp): Promise<void> => {
    await sidecar.reports(what, ({ error }) => reason.test(error?.reason ?? ''));
    assert.is(sidecar.live, first);
    assert.is((await sidecar.get('/readyz')).status, 503, `${what}: it says so`);
    assert.is((await sidecar.get('/healthz')).status, 200);
  };
  const recovers = async (): Promise<void> => {
    server.intercept = () => false;
    await sidecar.reports('it has recovered', ({ error }) => error === undefined);
    await eventually('it is ready again', async () => (await sidecar.get('/readyz')).status === 200);
    await eventually('the error file is gone', () => !existsSync(join(sidecar.root, 'error.json')));
  };
  server.intercept = () => true;
  await fails('slow', /^timeout$/);
  await recovers();
  server.intercept = (_request, response) => !!response.writeHead(500).end('out of order');
  await fails('refusing', /^unreachable$/);
  await recovers();
  server.intercept = (_request, response) =>
    !!response
      .writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' })
      .end('\0\xff<html>garbage');
  await fails('garbage', /^garbage$/);
  await recovers();
  server.intercept = (_request, response) =>
    !!response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a captive portal');
  await fails('another web site', /^(garbage|repository-not-found|ref-not-found)$/);
  await recovers();
  server.intercept = (_request, response) => !!response.writeHead(404).end();
  await fails('no such repository', /^repository-not-found$/);
  await recovers();
  server.close();
  await fails('down', /^unreachable$/);
  const again = new TestGitServer(dirname(repository.directory));
  await again.listen(port);
  await recovers();
  const next = repository.commit({ file: 'two' });
  await sidecar.lives(next);
  await sidecar.stop();
  again.close();
});

test('it gives up after as many failures as allowed', async () => {
  const repository = new TestRepository();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_MAX_FAILURES: '2' });
  assert.is(await sidecar.ended(), 75);
  assert.is(sidecar.output.match(/"msg":"sync failed"/g)?.length, 3);
});

test.run();
