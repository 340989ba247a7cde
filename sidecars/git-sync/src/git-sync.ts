/** The parts put together: what is read flows into the loop, what the loop finds out flows to the outside. */
import type { Kit } from '#kit/sidecar.ts';
import { contract, EXIT_GAVE_UP } from './contract.ts';
import { ErrorFile } from './error-file.ts';
import { Housekeeping } from './housekeeping.ts';
import { Loop } from './loop.ts';
import { channelsOf } from './notify/channels.ts';
import { Notifier } from './notify/notifier.ts';
import { readOptions } from './options.ts';
import { Outcomes } from './outcomes.ts';
import { receive } from './receive/receiver.ts';
import { hasState, prepareRoot, recover } from './recover.ts';
import { Secrets } from './repository/secrets.ts';
import { Session } from './repository/session.ts';
import { Store } from './repository/store.ts';
import { Syncer } from './syncer.ts';
import { Verification } from './verification.ts';
import { Records } from './versions/records.ts';
import { Publisher } from './versions/publisher.ts';
import { StateFile } from './versions/state.ts';
import { Versions } from './versions/versions.ts';

type GitSyncKit = Kit<typeof contract.parameters, typeof contract.metrics>;

/** How much later than a period a verified sync may be before readiness ends, in periods. */
const LATE = 2;
/** How long one-shot notifications are waited for, in milliseconds, before they count as failed. */
const ONE_TIME_NOTIFICATIONS = 60_000;

/**
 * The sidecar's job: returns once the loop runs; whether a version is published is what /startupz says.
 * @throws {ConfigurationError}
 */
export async function startGitSync(kit: GitSyncKit): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown, adminPath } = kit;
  const options = readOptions(parameters);
  // Consumers are other users; what is not for them says so itself.
  process.umask(0o022);
  const { layout, repository } = options;
  const marker = prepareRoot(layout);
  const secrets = new Secrets();
  const session = new Session(repository, credentialsOf(parameters), secrets, marker);
  const store = new Store(layout.repository, repository, { session, secrets });
  const records = new Records(layout.records);
  const publisher = new Publisher(layout, records, parameters.GITSYNC_PUBLISH);
  const versions = new Versions(layout, records, publisher, {
    submodules: parameters.GITSYNC_SUBMODULES,
    depth: parameters.GITSYNC_DEPTH,
    share: parameters.GITSYNC_SHARE_FILES && options.gate === undefined,
    openStore: (address, directory) => new Store(directory, address, { session, secrets }),
  });
  const state = new StateFile(layout.state, hasState(layout));
  const errors = new ErrorFile(options.errorFile, log);
  const check = readiness.check('sync', LATE * options.period + parameters.GITSYNC_SYNC_TIMEOUT);
  const housekeeping = new Housekeeping({
    store,
    publisher,
    versions,
    state,
    log,
    stale: parameters.GITSYNC_STALE_WORKTREE_TIMEOUT,
  });
  const notifier = new Notifier({
    channels: channelsOf(parameters, options, { session, publisher }),
    state,
    log,
    count: (kind, result) => metrics.git_sync_notifications_total.inc({ kind, result }),
    redact: (text) => secrets.redact(text),
  });
  const verification = new Verification({
    verify: parameters.GITSYNC_VERIFY_URL && {
      url: parameters.GITSYNC_VERIFY_URL,
      timeout: parameters.GITSYNC_VERIFY_TIMEOUT,
      stable: parameters.GITSYNC_VERIFY_STABLE,
    },
    state,
    log,
    count: (result) => metrics.git_sync_verifications_total.inc({ result }),
    onUnhealthy: (hash, reason) => {
      syncer.condemn(hash, reason);
      loop.trigger('rollback');
    },
  });
  const syncer = new Syncer(
    { session, secrets, store, records, publisher, versions, state, log },
    {
      ref: parameters.GITSYNC_REF,
      depth: parameters.GITSYNC_DEPTH,
      timeout: parameters.GITSYNC_SYNC_TIMEOUT,
      sparseFile: parameters.GITSYNC_SPARSE_CHECKOUT_FILE,
      verifyUrl: parameters.GITSYNC_VERIFY_URL,
      gate: options.gate && {
        argv: options.gate,
        timeout: parameters.GITSYNC_GATE_TIMEOUT,
        env: parameters.GITSYNC_GATE_ENV ?? [],
        ref: parameters.GITSYNC_REF,
      },
      onPublish: (_hash, reason) => {
        metrics.git_sync_publications_total.inc({ reason });
        housekeeping.published();
        notifier.wake();
        verification.start();
      },
      onFetch: () => metrics.git_sync_fetch_count_total.inc(),
      onGate: (result) => metrics.git_sync_gate_total.inc({ result }),
    },
  );

  const outcomes = new Outcomes({
    metrics,
    check,
    errors,
    state,
    publisher,
    log,
    redact: (text) => secrets.redact(text),
  });
  const endOneTime = async (): Promise<void> => {
    const { refused } = state.get();
    const told = await notifier.idle(AbortSignal.timeout(ONE_TIME_NOTIFICATIONS)).then(
      () => true,
      () => false,
    );
    if (!told) log.error('the application could not be told');
    void shutdown.run(
      refused ? 'the commit was refused' : 'one sync was asked for',
      refused || !told ? EXIT_GAVE_UP : 0,
    );
  };
  const loop = new Loop({
    period: options.period,
    sync: (trigger, signal) => syncer.sync(trigger === 'webhook' || trigger === 'signal', signal),
    onOutcome: async (outcome, ms) => {
      await outcomes.succeeded(outcome, ms);
      housekeeping.discard();
      verification.resume(publisher.live());
      if (parameters.GITSYNC_ONE_TIME) void endOneTime();
      return !parameters.GITSYNC_ONE_TIME;
    },
    onFailure: async (thrown, ms) => {
      const { reason } = await outcomes.failed(thrown, ms);
      store.clearLocks();
      if (reason === 'disk-full') await housekeeping.makeRoom().catch(() => {});
      const allowed = parameters.GITSYNC_MAX_FAILURES;
      if (allowed < 0 || outcomes.failures <= allowed) return true;
      void shutdown.run('too many failures in a row', EXIT_GAVE_UP);
      return false;
    },
    quiet: { due: () => housekeeping.due(), run: (signal) => housekeeping.run(signal) },
  });

  await recover({ layout, marker, store, publisher, versions, state, log }, (what) =>
    metrics.git_sync_recoveries_total.inc({ what }),
  );
  adminPath('/startupz', (_request, response) => {
    const live = publisher.live();
    response
      .writeHead(live === undefined ? 503 : 200)
      .end(`${live ?? errors.current?.error ?? 'nothing is published yet'}\n`);
  });
  adminPath('/version', (_request, response) => {
    const { published, previous, verified, refused } = state.get();
    const report = {
      hash: publisher.live() ?? null,
      ref: parameters.GITSYNC_REF,
      published,
      previous,
      verified,
      refused,
      error: errors.current,
    };
    response.setHeader('content-type', 'application/json').end(`${JSON.stringify(report)}\n`);
  });
  const receiver =
    parameters.GITSYNC_RECEIVE_SECRET_FILE === undefined || parameters.GITSYNC_ONE_TIME
      ? undefined
      : await receive({
          address: parameters.GITSYNC_RECEIVE_ADDRESS,
          port: parameters.GITSYNC_RECEIVE_PORT,
          secretFile: parameters.GITSYNC_RECEIVE_SECRET_FILE,
          maxBody: parameters.GITSYNC_RECEIVE_MAX_BODY,
          ref: parameters.GITSYNC_REF,
          log,
          count: (result) => metrics.git_sync_receives_total.inc({ result }),
          onPush: () => loop.trigger('webhook'),
        });
  process.on('SIGHUP', () => loop.trigger('signal'));
  shutdown.step('webhooks', () => {
    receiver?.close();
    receiver?.closeAllConnections();
  });
  shutdown.step('sync', () => loop.stop());
  shutdown.step('verification', () => verification.stop());
  shutdown.step('notifications', () => notifier.stop());
  shutdown.step('credentials', () => session.close());
  notifier.wake();
  loop.start();
}

function credentialsOf(parameters: GitSyncKit['parameters']): ConstructorParameters<typeof Session>[1] {
  return {
    username: parameters.GITSYNC_USERNAME,
    passwordFile: parameters.GITSYNC_PASSWORD_FILE,
    askpassUrl: parameters.GITSYNC_ASKPASS_URL,
    sshKeyFile: parameters.GITSYNC_SSH_KEY_FILE,
    sshKnownHostsFile: parameters.GITSYNC_SSH_KNOWN_HOSTS_FILE,
  };
}
