/** What the application does not get well with is taken back. */
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

/** An application that answers with the status that the live version's file says. */
class App {
  root = '';
  /** Whether it goes on with the version that it was started with. */
  holds = false;
  #runs = { version: 'nothing', status: 503 };
  readonly #server: Server = createServer((_request, response) => {
    const live = this.#live();
    if (!this.holds && this.#runs.version !== live) this.#runs = { version: live, status: this.#status() };
    this.seen.add(live);
    response.writeHead(this.#runs.status).end();
  });
  readonly seen = new Set<string>();

  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#server.unref();
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/healthz`;
  }
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
  #status(): number {
    try {
      return Number(readFileSync(join(this.root, 'link/status'), 'utf8'));
    } catch {
      // There is no version yet.
      return 503;
    }
  }
  #live(): string {
    try {
      return basename(readlinkSync(join(this.root, 'link')));
    } catch {
      return 'nothing';
    }
  }
}

const TIMES = { GITSYNC_VERIFY_TIMEOUT: '1500ms', GITSYNC_VERIFY_STABLE: '300ms' };
/** Long enough for somebody who looks on to see what is so in between. */
const PATIENT = { GITSYNC_VERIFY_TIMEOUT: '6s', GITSYNC_VERIFY_STABLE: '100ms' };

/** An application that is well with the first version of a repository. */
async function withGoodVersion(times: Readonly<Record<string, string>>) {
  const app = new App();
  const url = await app.listen();
  const repository = new TestRepository();
  const good = repository.commit({ status: '200' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_VERIFY_URL: url, ...times });
  app.root = sidecar.root;
  await sidecar.reports('the first is verified', ({ verified }) => verified === good);
  return { app, repository, good, sidecar };
}

test('an unhealthy version is taken back, and refused until the ref moves', async () => {
  const { app, repository, good, sidecar } = await withGoodVersion(TIMES);

  const bad = repository.commit({ status: '500' });
  const { refused } = await sidecar.reports(
    'the second is taken back',
    (report) => report.refused?.hash === bad && report.hash === good,
  );
  assert.is(refused!.by, 'verification');
  assert.match(refused!.reason, /answered 500/);
  assert.ok(app.seen.has(bad), 'it was live for a time');
  await eventually('it stays so', async () => (await sidecar.metric('git_sync_count_total{status="refused"}')) > 3);
  assert.is(sidecar.live, good);
  assert.is(await sidecar.metric('git_sync_publications_total{reason="rollback"}'), 1);

  await sidecar.stop('SIGKILL');
  const second = sidecar.again();
  await second.reports(
    'a restart refuses it still',
    ({ refused: still, error }) => still?.hash === bad && error !== undefined,
  );
  assert.is(second.live, good);
  const fixed = repository.commit({ status: '204' });
  await second.reports('the next is verified', ({ verified, hash }) => verified === fixed && hash === fixed);
  await second.stop();
  app.close();
});

test('a version that seemed well because the one before still answered is taken back', async () => {
  const { app, repository, good, sidecar } = await withGoodVersion(PATIENT);
  app.holds = true;
  const bad = repository.commit({ status: '500' });
  await sidecar.reports('the second seems well', ({ verified }) => verified === bad);
  app.holds = false;
  const { refused } = await sidecar.reports(
    'the second is taken back',
    (report) => report.refused?.hash === bad && report.hash === good,
  );
  assert.match(refused!.reason, /answered 500/);
  await sidecar.reports('the first is verified again', ({ verified }) => verified === good);
  await sidecar.stop();
  app.close();
});

test('killed when it saw that a version is not well any more, it asks again', async () => {
  const { app, repository, good, sidecar } = await withGoodVersion(PATIENT);
  app.holds = true;
  const bad = repository.commit({ status: '500' });
  await sidecar.reports('the second seems well', ({ verified }) => verified === bad);
  app.holds = false;
  await sidecar.reports('it is not any more', ({ hash, verified }) => hash === bad && verified === undefined);
  await sidecar.stop('SIGKILL');
  const second = sidecar.again();
  await second.reports('it is taken back', ({ hash, refused }) => hash === good && refused?.hash === bad);
  await second.stop();
  app.close();
});

test('killed while it verifies, it verifies again; killed before a rollback, it goes back', async () => {
  const { app, repository, good, sidecar } = await withGoodVersion(TIMES);
  const bad = repository.commit({ status: '500' });
  await sidecar.lives(bad);
  await sidecar.stop('SIGKILL');
  assert.is(sidecar.live, bad);
  const second = sidecar.again();
  await second.reports('the second is taken back', ({ hash, refused }) => hash === good && refused?.hash === bad);
  await second.stop();
  app.close();
});

test('a new version ends a verification under way; rollback leads to the last verified one', async () => {
  const { app, repository, good, sidecar } = await withGoodVersion(TIMES);
  const slow = repository.commit({ status: '503' });
  await sidecar.lives(slow);
  const worse = repository.commit({ status: '500' });
  await sidecar.reports('the third is refused', ({ refused }) => refused?.hash === worse);
  assert.is(sidecar.live, good);
  await sidecar.stop();
  app.close();
});

test('with nothing to go back to, the first version stays, and is verified once the app is there', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ status: '200' });
  const place = new App();
  const url = await place.listen();
  place.close();
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_VERIFY_URL: url,
    ...TIMES,
    GITSYNC_VERIFY_TIMEOUT: '600ms',
  });
  await sidecar.lives(first);
  await eventually(
    'it is found unhealthy',
    async () => (await sidecar.metric('git_sync_verifications_total{result="unhealthy"}')) > 0,
  );
  assert.is(sidecar.live, first);
  const app = new App();
  app.root = sidecar.root;
  await app.listen(Number(new URL(url).port));
  await sidecar.reports('it is verified', ({ verified }) => verified === first);
  await sidecar.stop();
  app.close();
});

test.run();
