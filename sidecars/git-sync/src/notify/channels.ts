/** The ways in which an application is told of a publication. */
import { runCommand } from '#kit/command.ts';
import { request } from '#kit/http-client.ts';
import { findProcesses, sendSignal, type ProcessInfo } from '#kit/processes.ts';
import type { Options, ParameterValues } from '../options.ts';
import type { Session } from '../repository/session.ts';
import type { Publisher } from '../versions/publisher.ts';
import { bootId } from '../versions/records.ts';
import type { Publication } from '../versions/state.ts';

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
 * @param proc where processes are looked for, with `boot` naming the start of the machine that they belong to
 */
export function signalChannel(
  { signal, process: name }: { signal: NodeJS.Signals; process: string },
  backoff: number,
  { boot, find = findProcesses }: { boot: string; find?: (name: string) => ProcessInfo[] },
): Channel {
  return {
    kind: 'signal',
    backoff,
    send: async (publication) => {
      const found = find(name);
      if (found.length === 0) {
        throw new Error(`no process ${name} is in this pid namespace (it is seen with pid: service:… in compose)`);
      }
      for (const each of found) {
        if (publication.boot === boot && each.startTime <= publication.ticks) sendSignal(each, signal);
      }
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
  return {
    kind: 'exechook',
    backoff: options.backoff,
    send: async ({ hash }, signal) => {
      await runCommand(argv, { cwd: options.locate(hash), env: options.env(hash), timeout: options.timeout, signal });
    },
  };
}

/** Call a URL, the hash in the header `Gitsync-Hash` as kubernetes/git-sync has it. */
export function webhookChannel(
  url: string,
  options: { method: string; successStatus: number; timeout: number; backoff: number },
): Channel {
  return {
    kind: 'webhook',
    backoff: options.backoff,
    send: async ({ hash }, signal) => {
      const { status } = await request(url, {
        method: options.method,
        headers: { 'gitsync-hash': hash, 'content-length': 0 },
        timeout: options.timeout,
        maxBody: 1024 * 1024,
        signal,
      });
      if (options.successStatus !== 0 && status !== options.successStatus) throw new Error(`it answered ${status}`);
    },
  };
}

/**
 * The channels that the parameters ask for.
 * @param session gives a program its environment
 * @param publisher knows where a version is
 */
export function channelsOf(
  parameters: ParameterValues,
  { signal, exechook }: Options,
  { session, publisher }: { session: Session; publisher: Publisher },
): Channel[] {
  const url = parameters.GITSYNC_WEBHOOK_URL;
  return [
    ...(signal ? [signalChannel(signal, parameters.GITSYNC_EXECHOOK_BACKOFF, { boot: bootId() })] : []),
    ...(exechook
      ? [
          exechookChannel(exechook, {
            timeout: parameters.GITSYNC_EXECHOOK_TIMEOUT,
            backoff: parameters.GITSYNC_EXECHOOK_BACKOFF,
            locate: (hash) => publisher.locate(hash),
            env: (hash) => session.programEnvironment([], { GITSYNC_HASH: hash, GITSYNC_REF: parameters.GITSYNC_REF }),
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
