/** Who is to be told is told: the newest, until it worked, and again after a crash. */
import { spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ticksNow } from '../clock.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { bootId } from '../versions/records.ts';
import { StateFile, type Publication } from '../versions/state.ts';
import { exechookChannel, signalChannel, webhookChannel, type Channel } from './channels.ts';
import { Notifier } from './notifier.ts';

const HASHES = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];
const publication = (index: number): Publication => ({
  hash: HASHES[index]!,
  at: index + 1,
  boot: bootId(),
  ticks: ticksNow(),
});
const abort = new AbortController().signal;

function stateFile(): { path: string; state: StateFile } {
  const path = join(temporaryDirectory('git-sync-state'), 'state.json');
  return { path, state: new StateFile(path, false) };
}

function notifier(state: StateFile, channels: Channel[]): { notifier: Notifier; counts: string[] } {
  const counts: string[] = [];
  const log = { info: () => {}, warn: () => {} };
  const count = (kind: string, result: string): void => void counts.push(`${kind} ${result}`);
  return { notifier: new Notifier({ channels, state, log, count, redact: (text) => text }), counts };
}

test('a failure is tried again, and a newer version takes the place of an older one that waits', async () => {
  const { state } = stateFile();
  const sent: string[] = [];
  let broken = true;
  const channel: Channel = {
    kind: 'webhook',
    backoff: 60_000,
    send: async ({ hash }) => {
      sent.push(hash);
      if (broken) throw new Error('not now');
    },
  };
  const { notifier: it, counts } = notifier(state, [channel]);
  state.set({ published: publication(0) });
  it.wake();
  await eventually('it was tried', () => sent.length === 1);
  broken = false;
  state.set({ published: publication(1) });
  it.wake();
  await it.idle(-1);
  assert.equal(sent, [HASHES[0], HASHES[1]]);
  assert.equal(counts, ['webhook failed', 'webhook sent']);
  await it.stop();

  let fails = 3;
  const flaky: Channel = {
    ...channel,
    backoff: 10,
    send: async () => {
      if (fails-- > 0) throw new Error('not yet');
    },
  };
  state.set({ published: publication(2) });
  const second = notifier(state, [flaky]);
  second.notifier.wake();
  await second.notifier.idle(-1);
  assert.is(second.counts.filter((each) => each === 'webhook failed').length, 3);
  await second.notifier.stop();
});

test('what was not passed on is passed on by the next run, and what was is not', async () => {
  const { path, state } = stateFile();
  const sent: string[] = [];
  const channel = (kind: Channel['kind'], fails: boolean): Channel => ({
    kind,
    backoff: 60_000,
    send: async ({ hash }) => {
      if (fails) throw new Error('killed before it could');
      sent.push(`${kind} ${hash}`);
    },
  });
  state.set({ published: publication(0) });
  const first = notifier(state, [channel('webhook', false), channel('signal', true)]);
  first.notifier.wake();
  await eventually('one was told', () => sent.length === 1 && first.counts.length === 2);
  await first.notifier.stop();
  const again = new StateFile(path, true);
  assert.not(again.damaged);
  const second = notifier(again, [channel('webhook', false), channel('signal', false)]);
  second.notifier.wake();
  await second.notifier.idle(-1);
  assert.equal(sent, [`webhook ${HASHES[0]}`, `signal ${HASHES[0]}`]);
  await second.notifier.stop();
});

test('the same commit published again, as after going back, is told again', async () => {
  const { state } = stateFile();
  const sent: string[] = [];
  const { notifier: it } = notifier(state, [
    { kind: 'webhook', backoff: 10, send: async ({ hash }) => void sent.push(hash) },
  ]);
  for (const at of [1, 2, 3]) {
    state.set({ published: { ...publication(at === 2 ? 1 : 0), at } });
    it.wake();
    await it.idle(-1);
  }
  assert.equal(sent, [HASHES[0], HASHES[1], HASHES[0]]);
  await it.stop();
});

test('a webhook has the hash, and only the asked status counts', async () => {
  const requests: IncomingMessage[] = [];
  let status = 500;
  await using server = await serve((request, response) => {
    requests.push(request);
    response.writeHead(status).end();
  });
  const url = `${server.url}/reload`;
  const options = { method: 'PUT', successStatus: 201, timeout: 1000, backoff: 10 };
  const send = (success: number): Promise<void> =>
    webhookChannel(url, { ...options, successStatus: success }).send(publication(0), abort);
  const refused = await send(201).catch((error: Error) => error.message);
  assert.is(refused, `${url} answered 500`);
  await send(0);
  status = 201;
  await send(201);
  assert.equal(
    [requests[0]!.method, requests[0]!.url, requests[0]!.headers['gitsync-hash']],
    ['PUT', '/reload', HASHES[0]],
  );
});

test('a program runs in the version, with its hash, and its failure counts', async () => {
  const directory = temporaryDirectory('git-sync-hook');
  mkdirSync(join(directory, HASHES[0]));
  const options = {
    timeout: 2000,
    backoff: 10,
    locate: (hash: string) => join(directory, hash),
    env: (hash: string) => ({ PATH: process.env['PATH'], GITSYNC_HASH: hash }),
  };
  await exechookChannel(['sh', '-c', 'echo "$GITSYNC_HASH" > told'], options).send(publication(0), abort);
  assert.is(readFileSync(join(directory, HASHES[0], 'told'), 'utf8'), `${HASHES[0]}\n`);
  const failed = await exechookChannel(['false'], options)
    .send(publication(0), abort)
    .catch((error: Error) => error.message);
  assert.match(String(failed), /exited with 1/);
});

test('a signal goes to processes older than the publication, not to one that began with it', async () => {
  const directory = temporaryDirectory('git-sync-signal');
  const name = `app-${process.pid}`;
  const script = join(directory, name);
  writeFileSync(
    script,
    `require('fs').writeFileSync(process.argv[2], 'up'); process.on('SIGHUP', () => require('fs').writeFileSync(process.argv[2], 'told')); setInterval(() => {}, 1000);`,
  );
  const channel = signalChannel({ signal: 'SIGHUP', process: name }, { backoff: 10, boot: bootId() });
  const nobody = await channel.send(publication(0), abort).catch((error: Error) => error.message);
  assert.match(String(nobody), /no process app-\d+ is in this pid namespace/);

  const start = async (file: string): Promise<{ kill: () => void; said: () => string }> => {
    const path = join(directory, file);
    const child = spawn(process.execPath, [script, path], { stdio: 'ignore' });
    child.unref();
    process.on('exit', () => child.kill('SIGKILL'));
    await eventually('the app is up', () => readFileSync(path, 'utf8') === 'up');
    return { kill: () => child.kill('SIGKILL'), said: () => readFileSync(path, 'utf8') };
  };
  const before = publication(0);
  await eventually('the clock has moved on', () => ticksNow() > before.ticks);
  const young = await start('young');
  await channel.send(before, abort);
  await channel.send({ ...publication(1), boot: 'another' }, abort);
  assert.is(young.said(), 'up');
  await channel.send(publication(1), abort);
  await eventually('the app was told', () => young.said() === 'told');
  young.kill();
});

test.run();
