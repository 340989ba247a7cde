/**
 * Record the series by which alerts fire of sidecars that lack what they need: `node scripts/prometheus/record.ts`.
 * Sidecars run as programs of this machine, each without the server, the store or the room that it should have; Debian's
 * Prometheus scrapes them with the rules of all contracts, and what it has in the end goes to recorded-programs.json, for
 * `promtool test rules` (rules.engine.test.ts). It takes 22 minutes, and next to no CPU.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from '#kit/net/http-client.ts';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { CONTRACTS, files } from '../../tools/dashboards/command.ts';
import { recordingOf, RECORDINGS, STEP } from './recording.ts';
import { MACHINE, Prometheus } from './server.ts';

const ROOT = join(import.meta.dirname, '../..');
const MINUTE = 60_000;
const MINUTES = 22;
const RESTARTS = 5;
/** Nobody listens there. */
const NOBODY = '127.0.0.1:1';

const folder = temporaryDirectory('record');
const path = (name: string): string => join(folder, name);
for (const name of ['tls', 'auth', 'config', 'git', 'late', 'lost', 'dead', 'letters', 'spool', 'full', 'full-spool'])
  mkdirSync(path(name));
const port = async (): Promise<string> => String(await freePort());

await using app = await serve((_request, response) => void response.end('ok'));
await using broken = await serve((_request, response) => void response.writeHead(500).end());
const store = new TestStore();
await using refusing = await serve((request, response) => store.answer(request, response));
store.faults.push({ kind: 'item', status: 400, error: { type: 'document_parsing_exception', reason: 'no' } });
const secret = path('a secret');
writeFileSync(secret, randomBytes(24).toString('hex'), { mode: 0o600 });
const servers = path('servers.yaml');
const broker = await port();
const syslog = await port();
writeFileSync(servers, `services: {shop: {port: ${broker}, protocol: tcp, servers: ["127.0.0.1:${app.port}"]}}`);
writeFileSync(path('late.log'), 'a line\n');
// More than what waits for a store may take.
writeFileSync(path('lost.log'), 'a line of twenty b.\n'.repeat(500_000));
const [tls, auth, cache, shard, split] = [await port(), await port(), await port(), await port(), await port()];

/** What each lacks. */
const SIDECARS: Readonly<Record<string, readonly [name: string, env: Readonly<Record<string, string>>]>> = {
  tls: [
    'tls',
    { PROXY_PORT: String(app.port), TLS_LISTEN_PORT: tls, TLS_STATE_DIR: path('tls'), TLS_MAX_CONNECTIONS: '1' },
  ],
  auth: [
    'auth',
    {
      PROXY_PORT: String(app.port),
      AUTH_METHODS: 'oidc',
      OIDC_ISSUER: `http://${NOBODY}`,
      OIDC_CLIENT_ID: 'shop',
      AUTH_COOKIE_SECRET_FILE: secret,
      AUTH_LISTEN_PORT: auth,
      AUTH_STATE_DIR: path('auth'),
      AUTH_MAX_CONNECTIONS: '1',
    },
  ],
  cache: ['cache', { PROXY_PORT: String(app.port), CACHE_LISTEN_PORT: cache, CACHE_MAX_CONNECTIONS: '1' }],
  shard: ['ambassador', { SERVERS: NOBODY, AMBASSADOR_PORT: shard, AMBASSADOR_MAX_CLIENTS: '1' }],
  split: [
    'ambassador',
    {
      AMBASSADOR_MODE: 'split',
      AMBASSADOR_PORT: split,
      SPLIT_OLD: `127.0.0.1:${app.port}`,
      SPLIT_NEW: `127.0.0.1:${broken.port}`,
      SPLIT_PERCENT: '50',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${NOBODY}`,
    },
  ],
  broker: ['ambassador', { AMBASSADOR_MODE: 'broker', BROKER_FILE: servers }],
  'config-sync': [
    'config-sync',
    {
      CONFIG_URL: `http://${NOBODY}`,
      CONFIG_TOKEN: 'none',
      CONFIG_FILES: `shop=${path('shop.json')}`,
      CONFIG_STATE_DIR: path('config'),
    },
  ],
  'git-sync': ['git-sync', { GITSYNC_REPO: `http://${NOBODY}/shop`, GITSYNC_ROOT: path('git'), GITSYNC_PERIOD: '5s' }],
  late: ['log-shipper', { STORE_URL: `http://${NOBODY}`, FILE_PATHS: path('late.log'), STATE_DIR: path('late') }],
  lost: [
    'log-shipper',
    {
      STORE_URL: `http://${NOBODY}`,
      FILE_PATHS: path('lost.log'),
      STATE_DIR: path('lost'),
      FILE_DELETED_TIMEOUT: '10s',
      QUEUE_MAX_BYTES: '64KiB',
    },
  ],
  dead: [
    'log-shipper',
    {
      STORE_URL: `http://127.0.0.1:${refusing.port}`,
      FILE_PATHS: path('dead.log'),
      STATE_DIR: path('dead'),
      DEAD_LETTER_DIR: path('letters'),
      SPOOL_DIR: path('spool'),
    },
  ],
  full: [
    'log-shipper',
    {
      STORE_URL: `http://${NOBODY}`,
      // A file waits where it is; what a sender says has to be kept.
      SYSLOG_PORT: syslog,
      STATE_DIR: path('full'),
      SPOOL_DIR: path('full-spool'),
      SPOOL_MAX_BYTES: '8MiB',
    },
  ],
  restarted: ['adapter', { ADAPTER_MODE: 'valkey', ADAPTER_PORT: '1', ADMIN_PORT: await port() }],
};

const start = async ([name, env]: (typeof SIDECARS)[string]): Promise<Program> =>
  // The container comes from outside.
  startProgram([join(ROOT, 'sidecars', name, 'src/main.ts')], { ADMIN_ADDRESS: '0.0.0.0', ...env });
const programs = new Map<string, Program>();
for (const [name, sidecar] of Object.entries(SIDECARS)) {
  const program = await start(sidecar);
  await program.answers('/healthz', 200);
  programs.set(name, program);
}

await using prometheus = await Prometheus.start(
  {
    global: { scrape_interval: '5s', evaluation_interval: `${STEP}s` },
    rule_files: ['/watch/prometheus/*.rules.yaml'],
    scrape_configs: [
      {
        job_name: 'sidecars',
        static_configs: [{ targets: [...programs.values()].map(({ env }) => `${MACHINE}:${env['ADMIN_PORT']}`) }],
      },
    ],
  },
  { files: files([...CONTRACTS.values()]) },
);

const ended = new AbortController();
/** Twice a second; nothing of it is believed but what the sidecars count of it. */
async function often(act: () => Promise<unknown> | void): Promise<void> {
  while (!ended.signal.aborted) {
    await Promise.resolve(act()).catch(() => {});
    await pause(500);
  }
}
const opened = (at: string): Socket => connect(Number(at), '127.0.0.1').on('error', () => {});
const load = [tls, auth, cache, shard].flatMap((at) => {
  // Of the one connection that there may be, and of those that are refused.
  let first = opened(at);
  return often(() => {
    if (first.destroyed) first = opened(at);
    const more = opened(at);
    const another = opened(at);
    setTimeout(() => {
      more.destroy();
      another.destroy();
    }, 400);
  });
});
load.push(often(() => request(`http://127.0.0.1:${split}/`, { timeout: 5000 })));
let sender = opened(syslog);
load.push(
  often(() => {
    if (sender.destroyed) sender = opened(syslog);
    // A sender that is read no more waits.
    if (!sender.writableNeedDrain) sender.write('<13>Jan  1 00:00:00 app said: a line\n'.repeat(5000));
  }),
);

const FAULTS: readonly { readonly minute: number; readonly what: string; readonly act: () => unknown }[] = [
  { minute: 1, what: 'the broker’s file becomes one that cannot be used', act: () => writeFileSync(servers, 'no: [') },
  {
    minute: 2,
    what: 'a file is deleted that no store has taken, and a line comes that the store refuses',
    act: () => {
      rmSync(path('lost.log'));
      writeFileSync(path('dead.log'), 'a line\n');
    },
  },
  { minute: 3, what: `the adapter is restarted ${RESTARTS} times`, act: restarts },
];

async function restarts(): Promise<void> {
  for (let count = 0; count < RESTARTS; count += 1) {
    await programs.get('restarted')!.stop();
    const again = await start(SIDECARS['restarted']!);
    programs.set('restarted', again);
    await again.answers('/healthz', 200);
    // Long enough to be scraped.
    await pause(12_000);
  }
}

const began = Date.now();
for (const { minute, what, act } of FAULTS) {
  await pause(Math.max(0, began + minute * MINUTE - Date.now()));
  process.stdout.write(`${minute} min: ${what}\n`);
  await act();
}
await pause(Math.max(0, began + MINUTES * MINUTE - Date.now()));
const recording = await recordingOf(
  [...CONTRACTS.values()],
  async (at, parameters) => (await prometheus.ask<{ result: never[] }>(at, parameters)).result,
  began,
  {
    by: 'node scripts/prometheus/record.ts',
    minutes: MINUTES,
    faults: [
      'from the begin: tls, auth, cache and an ambassador may have one connection and are asked for more; provider, source, repository, store, server and collector are not there; the new version of a split fails',
      ...FAULTS.map(({ minute, what }) => `${minute} min: ${what}`),
    ],
  },
);
ended.abort();
await Promise.all(load);
// The folder is another one each time.
const text = JSON.stringify(recording, null, 1).replaceAll(folder, '/pod');
writeFileSync(join(ROOT, RECORDINGS.programs), `${text}\n`);
process.stdout.write(`${Object.keys(recording.series).length} series; fired: ${recording.fired.join(', ')}\n`);
for (const program of programs.values()) await program.stop();
// The load's connections are still open.
await prometheus[Symbol.asyncDispose]();
process.exit(0);
