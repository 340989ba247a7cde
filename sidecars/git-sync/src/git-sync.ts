/** The parts put together: what is read flows into the loop, what the loop finds out flows to the outside. */
import type { Kit } from '#kit/life/sidecar.ts';
import { contract, EXIT_GAVE_UP } from './contract.ts';
import { ErrorFile } from './error-file.ts';
import { Housekeeping } from './housekeeping.ts';
import { Loop } from './loop.ts';
import { channelsOf } from './notify/channels.ts';
import { Notifier } from './notify/notifier.ts';
import { readOptions, type Options } from './options.ts';
import { Outcomes } from './outcomes.ts';
import { Progress } from './receive/progress.ts';
import { receive } from './receive/receiver.ts';
import { hasState, prepareRoot, recover } from './recover.ts';
import { Secrets } from './repository/secrets.ts';
import { GitEnvironment } from './repository/environment.ts';
import { Store } from './repository/store.ts';
import { serveStatus } from './status.ts';
import { Syncer } from './syncer.ts';
import { Verification } from './verification.ts';
import { Records } from './versions/records.ts';
import { Publisher } from './versions/publisher.ts';
import { StateFile } from './versions/state.ts';
import { Versions } from './versions/versions.ts';

type GitSyncKit = Kit<typeof contract.parameters, typeof contract.metrics>;

/** How much later than a period a verified sync may be before readiness ends, in periods. */
const LATE = 2;

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
  const progress = new Progress();
  const environment = new GitEnvironment(repository, credentialsOf(parameters, options), secrets, marker);
  const store = new Store(layout.repository, repository, { environment, secrets });
  const records = new Records(layout.records);
  const publisher = new Publisher(layout, records, parameters.GITSYNC_PUBLISH);
  const versions = new Versions(layout, records, publisher, {
    submodules: parameters.GITSYNC_SUBMODULES,
    depth: parameters.GITSYNC_DEPTH,
    share: parameters.GITSYNC_SHARE_FILES && options.gate === undefined,
    openStore: (address, directory) => new Store(directory, address, { environment, secrets }),
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
    channels: channelsOf(parameters, options, { environment, publisher }),
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
    onHealthy: (hash) => progress.emit({ event: 'healthy', hash }),
    onUnhealthy: (hash, reason) => {
      syncer.takeBack(hash, 'verification', reason);
      loop.trigger('rollback');
    },
  });
  const syncer = new Syncer(
    { environment, secrets, store, records, publisher, versions, state, progress, log },
    {
      ref: parameters.GITSYNC_REF,
      depth: parameters.GITSYNC_DEPTH,
      timeout: parameters.GITSYNC_SYNC_TIMEOUT,
      sparseFile: parameters.GITSYNC_SPARSE_CHECKOUT_FILE,
      submodules: parameters.GITSYNC_SUBMODULES,
      link: layout.link,
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
      onDiscard: () => housekeeping.discarded(),
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
    const told = await notifier.idle(parameters.GITSYNC_MAX_FAILURES);
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
      const { reason, message: error, advice } = await outcomes.failed(thrown, ms);
      progress.emit({ event: 'failed', reason, error, advice });
      store.clearLocks();
      if (reason === 'disk-full') await housekeeping.makeRoom(outcomes.failures).catch(() => {});
      const allowed = parameters.GITSYNC_MAX_FAILURES;
      if (allowed < 0 || outcomes.failures <= allowed) return true;
      void shutdown.run('too many failures in a row', EXIT_GAVE_UP);
      return false;
    },
    quiet: { due: () => housekeeping.due(), run: (signal) => housekeeping.run(signal) },
  });

  await recover({ layout, marker, store, records, publisher, versions, state, log }, (what) =>
    metrics.git_sync_recoveries_total.inc({ what }),
  );
  serveStatus(adminPath, { publisher, state, errors, repository: repository.url, ref: parameters.GITSYNC_REF });
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
          progress,
          onPush: () => loop.trigger('webhook'),
        });
  const liveOrNone = (): string | undefined => {
    try {
      return publisher.live();
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'what is live cannot be read');
      return undefined;
    }
  };
  process.on('SIGHUP', () => loop.trigger('signal'));
  process.on('SIGUSR2', () => {
    const live = liveOrNone();
    if (live === undefined) return;
    syncer.takeBack(live, 'operator', 'an operator asked for the version before it');
    loop.trigger('rollback');
  });
  shutdown.step('webhooks', () => {
    receiver?.close();
    receiver?.closeAllConnections();
  });
  shutdown.step('sync', () => loop.stop());
  shutdown.step('verification', () => verification.stop());
  shutdown.step('notifications', () => notifier.stop());
  shutdown.step('credentials', () => environment.close());
  notifier.wake();
  loop.start();
}

function credentialsOf(
  parameters: GitSyncKit['parameters'],
  { credentials, sshKeyFiles }: Options,
): ConstructorParameters<typeof GitEnvironment>[1] {
  return {
    username: parameters.GITSYNC_USERNAME,
    passwordFile: parameters.GITSYNC_PASSWORD_FILE,
    askpassUrl: parameters.GITSYNC_ASKPASS_URL,
    more: credentials,
    sshKeyFiles,
    sshKnownHostsFile: parameters.GITSYNC_SSH_KNOWN_HOSTS_FILE,
  };
}
