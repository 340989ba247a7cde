/** The ways in which an application is told of a publication. */
import { notify } from '#kit/process/notify.ts';
import type { ProcessInfo } from '#kit/process/processes.ts';
import type { Values } from '#kit/contract/parameters.ts';
import type { contract } from '../contract.ts';
import type { GitEnvironment } from '../repository/environment.ts';
import type { Publisher } from '../versions/publisher.ts';
import { bootId } from '../versions/records.ts';
import type { Publication } from '../versions/state.ts';

/** What is told besides a webhook: commands and signals, as they were parsed. */
export interface NotifyTargets {
  readonly exechook: readonly string[] | undefined;
  readonly signal: { readonly signal: NodeJS.Signals; readonly process: string } | undefined;
}

export interface Channel {
  /** Names it in the state, in logs and metrics. */
  readonly kind: 'signal' | 'exechook' | 'webhook';
  /** First pause after a failure, in milliseconds. */
  readonly backoff: number;
  /**
   * Tell it once.
   * @throws when it was not told
   */
  readonly send: (publication: Publication, signal: AbortSignal) => Promise<void>;
}

/**
 * Send a signal. A process that started after the publication has read the new version already, and may
 * not be ready for a signal, which would end it.
 * @param boot names the start of the machine that our processes' start times count from
 */
export function signalChannel(
  to: { signal: NodeJS.Signals; process: string },
  { backoff, boot }: { backoff: number; boot: string },
): Channel {
  return {
    kind: 'signal',
    backoff,
    send: async (publication, signal) => {
      const meant = ({ startTime }: ProcessInfo): boolean =>
        publication.boot === boot && startTime <= publication.ticks;
      await notify({ kind: 'signal', ...to }, { timeout: 0, signal, meant });
    },
  };
}

/** Run a program in the published version. */
export function exechookChannel(
  argv: readonly string[],
  options: {
    timeout: number;
    backoff: number;
    locate: (hash: string) => string;
    env: (hash: string) => NodeJS.ProcessEnv;
  },
): Channel {
  const { timeout, backoff, locate, env } = options;
  return {
    kind: 'exechook',
    backoff,
    send: async ({ hash }, signal) =>
      await notify({ kind: 'command', argv }, { cwd: locate(hash), env: env(hash), timeout, signal }),
  };
}

/** Call a URL, the hash in the header `Gitsync-Hash` as kubernetes/git-sync has it. */
export function webhookChannel(
  url: string,
  options: { method: string; successStatus: number; timeout: number; backoff: number },
): Channel {
  const { method, successStatus, timeout, backoff } = options;
  return {
    kind: 'webhook',
    backoff,
    send: async ({ hash }, signal) =>
      await notify(
        { kind: 'http', method, url },
        {
          headers: { 'gitsync-hash': hash },
          timeout,
          signal,
          accepts: (status) => successStatus === 0 || status === successStatus,
        },
      ),
  };
}

/**
 * The channels that the parameters ask for.
 * @param environment gives a program its environment
 * @param publisher knows where a version is
 */
export function channelsOf(
  parameters: Values<typeof contract.parameters>,
  { signal, exechook }: NotifyTargets,
  { environment, publisher }: { environment: GitEnvironment; publisher: Publisher },
): Channel[] {
  const url = parameters.GITSYNC_WEBHOOK_URL;
  return [
    ...(signal ? [signalChannel(signal, { backoff: parameters.GITSYNC_EXECHOOK_BACKOFF, boot: bootId() })] : []),
    ...(exechook
      ? [
          exechookChannel(exechook, {
            timeout: parameters.GITSYNC_EXECHOOK_TIMEOUT,
            backoff: parameters.GITSYNC_EXECHOOK_BACKOFF,
            locate: (hash) => publisher.locate(hash),
            env: (hash) =>
              environment.forProgram(parameters.GITSYNC_EXECHOOK_ENV ?? [], {
                GITSYNC_HASH: hash,
                GITSYNC_REF: parameters.GITSYNC_REF,
              }),
          }),
        ]
      : []),
    ...(url === undefined
      ? []
      : [
          webhookChannel(url, {
            method: parameters.GITSYNC_WEBHOOK_METHOD,
            successStatus: parameters.GITSYNC_WEBHOOK_SUCCESS_STATUS,
            timeout: parameters.GITSYNC_WEBHOOK_TIMEOUT,
            backoff: parameters.GITSYNC_WEBHOOK_BACKOFF,
          }),
        ]),
  ];
}
