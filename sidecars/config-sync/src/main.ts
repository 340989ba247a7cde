/** The config sidecar's program. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isDenied, unreadable } from '#kit/files/remedy.ts';
import { serveJobs } from '#kit/process/run-in-child.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { ManagedFile } from './apply/managed-file.ts';
import { contract } from './contract.ts';
import { runOnce, runForever } from './loop/modes.ts';
import { Outbox } from './reports/outbox.ts';
import { readSettings } from './settings/settings.ts';
import { Connection } from './sources/connection.ts';
import { EtcdSource } from './sources/etcd-source.ts';
import { HttpSource } from './sources/http-source.ts';
import type { Source } from './sources/source.ts';
import { TemplatedSource } from './templates/templated-source.ts';
import { WORKER } from './work/perform.ts';
import { work } from './work/worker.ts';

type ConfigKit = Kit<typeof contract.parameters, typeof contract.metrics>;

async function job(kit: ConfigKit): Promise<void> {
  const { parameters, log, metrics, shutdown } = kit;
  if (parameters.CONFIG_MAX_AGE <= parameters.UPDATE_FREQUENCY) {
    throw new ConfigurationError([
      {
        parameter: 'CONFIG_MAX_AGE',
        reason: 'conflict',
        message: 'CONFIG_MAX_AGE is not longer than UPDATE_FREQUENCY; accepted is some periods, for one may be late',
      },
    ]);
  }
  const plans = await readSettings(parameters);
  const connection = new Connection({
    url: parameters.CONFIG_URL,
    ca: certificateAuthority(parameters.CONFIG_CA),
    timeout: parameters.CONFIG_REQUEST_TIMEOUT,
  });
  const recipes = plans.flatMap(({ recipe }) => recipe ?? []);
  const documents = openSource(kit, connection);
  const source = recipes.length === 0 ? documents : new TemplatedSource(documents, recipes, parameters.CONFIG_MAX_SIZE);
  const ending = new AbortController();

  const outbox =
    source.report &&
    new Outbox({
      path: join(parameters.CONFIG_STATE_DIR, 'outbox.json'),
      send: source.report,
      retryMax: parameters.CONFIG_RETRY_MAX,
      spread: () => (parameters.CONFIG_ONE_TIME ? 0 : (source.reportSpread?.() ?? 0)),
      log,
      onPending: (count) => metrics.config_reports_pending.set(count),
      onDropped: (reason) => metrics.config_reports_dropped_total.inc({ reason }),
    });
  await mkdir(parameters.CONFIG_STATE_DIR, { recursive: true }).catch(() => {});

  // From the begin: increase() does not see the first value of a series.
  for (const { path } of plans) metrics.config_notify_failures_total.inc({ file: path }, 0);
  const files = plans.map(
    (plan) =>
      new ManagedFile({
        plan,
        stateDirectory: parameters.CONFIG_STATE_DIR,
        oneTime: parameters.CONFIG_ONE_TIME,
        signal: ending.signal,
        events: {
          log,
          report: async (version, state, reason) =>
            await outbox?.add({
              key: plan.key,
              version,
              state,
              ...(reason !== undefined && { reason }),
            }),
          notifyFailed: () => metrics.config_notify_failures_total.inc({ file: plan.path }),
          drifted: () => metrics.config_drift_repairs_total.inc({ file: plan.path }),
          damaged: (kind) => metrics.config_state_damaged_total.inc({ kind }),
        },
      }),
  );
  const run = parameters.CONFIG_ONE_TIME ? runOnce : runForever;
  const ended = run({ kit, source, files, outbox, signal: ending.signal });
  shutdown.step('loop', async () => {
    ending.abort(new Error('shutting down'));
    await ended;
    connection.close();
  });
}

function openSource(kit: ConfigKit, connection: Connection): Source {
  const { parameters } = kit;
  const { CONFIG_MAX_SIZE: maxSize } = parameters;
  if (parameters.CONFIG_SOURCE === 'etcd')
    return new EtcdSource({
      connection,
      maxSize,
      user: parameters.CONFIG_USER,
      password: parameters.CONFIG_PASSWORD,
    });
  return new HttpSource({
    connection,
    maxSize,
    token: tokenReader(kit, parameters.CONFIG_TOKEN),
    sidecar: parameters.CONFIG_REPORT_AS ?? hostname(),
    heartbeat: parameters.UPDATE_FREQUENCY,
  });
}

/**
 * The token as its file has it now, since a token is replaced while sidecars run. One that may not be read is no moment
 * of a replacement: the one before may do for a while, and its end is to be seen coming.
 */
function tokenReader({ log, readiness }: ConfigKit, atStart: string | undefined): () => string | undefined {
  const path = process.env['CONFIG_TOKEN_FILE'] || undefined;
  if (path === undefined || atStart === undefined) return () => atStart;
  const read = readiness.check('token');
  read.pass();
  let latest = atStart;
  let told: string | undefined;
  return () => {
    try {
      latest = readFileSync(path, 'utf8').trim() || latest;
      told = undefined;
      read.pass();
    } catch (error) {
      if (!isDenied(error)) return latest;
      const why = `CONFIG_TOKEN_FILE: ${unreadable(path, error)}`;
      read.fail(why);
      if (told !== why) log.error(why);
      told = why;
    }
    return latest;
  };
}

function certificateAuthority(path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigurationError([
      {
        parameter: 'CONFIG_CA',
        reason: 'unreadable',
        message: `CONFIG_CA: ${unreadable(path, error)}; accepted is a file of certificates in PEM`,
      },
    ]);
  }
}

if (process.argv[2] === WORKER) await serveJobs(work);
else await runSidecar(contract, job);
