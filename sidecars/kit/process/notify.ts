/** Telling an application that something changed, in the ways that applications understand. */
import { constants } from 'node:os';
import { CommandError, parseCommand, runCommand } from './command.ts';
import { request, withoutCredentials } from '../net/http-client.ts';
import { containerRoots, findProcesses, handlesSignal, namesOf, sendSignal, type ProcessInfo } from './processes.ts';

export type Notification =
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly process: string }
  | { readonly kind: 'http'; readonly method: string; readonly url: string }
  | { readonly kind: 'terminate'; readonly process: string | undefined }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/** How a notification is written, for help texts and errors. */
export const NOTIFICATION_FORMS =
  'signal:HUP@PROCESS, http:POST URL, terminate (the only other container of the pod), terminate@PROCESS, ' +
  'or command:PROGRAM ARGUMENTS';

/**
 * Read a notification.
 * @param text in one of NOTIFICATION_FORMS
 * @throws {Error} that says what is accepted
 */
export function parseNotification(text: string): Notification {
  const [, kind = '', rest = ''] = /^([a-z]+)(?::|(?=@)|$)(.*)$/s.exec(text) ?? [];
  if (kind === 'signal') {
    const [, name = '', target = ''] = /^(?:SIG)?([A-Z0-9]+)@(.+)$/.exec(rest) ?? [];
    if (target !== '' && `SIG${name}` in constants.signals) {
      return { kind, signal: `SIG${name}` as NodeJS.Signals, process: target };
    }
  }
  if (kind === 'http') {
    const [, method = 'POST', url = ''] = /^(?:([A-Z]+) +)?(https?:\/\/\S+)$/.exec(rest) ?? [];
    if (URL.canParse(url)) return { kind, method, url };
  }
  if (kind === 'terminate' && (rest === '' || /^@./.test(rest))) {
    return { kind, process: rest === '' ? undefined : rest.slice(1) };
  }
  if (kind === 'command') return { kind, argv: parseCommand(rest) };
  throw new Error(`${JSON.stringify(text)} is no notification; accepted is ${NOTIFICATION_FORMS}`);
}

/** A notification in words, without secrets. */
export function describeNotification(notification: Notification): string {
  switch (notification.kind) {
    case 'signal':
      return `${notification.signal} to ${notification.process}`;
    case 'http':
      return `${notification.method} ${withoutCredentials(notification.url)}`;
    case 'terminate':
      return `termination of ${notification.process ?? "the pod's other container"}`;
    case 'command':
      return `command ${notification.argv[0]}`;
  }
}

/** It was told, and said no: a status other than 2xx, or a command that failed. */
export class NotificationRefused extends Error {
  override readonly name = 'NotificationRefused';
}

/**
 * Why nobody could be told now, for notifications that are for processes: there is none, or it would
 * die of a signal that it has not begun to handle yet. Undefined when somebody can be told, as far as
 * can be seen without telling.
 */
export function notificationProblem(notification: Notification, proc = '/proc'): string | undefined {
  if (notification.kind !== 'signal' && notification.kind !== 'terminate') return undefined;
  try {
    const found = addressees(notification, proc);
    if (notification.kind === 'terminate' || found.every(({ pid }) => handlesSignal(pid, notification.signal, proc)))
      return undefined;
    return `${notification.process} does not handle ${notification.signal} (yet), and would die of it`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is read of an HTTP server's answer, in bytes; nobody needs it. */
const ANSWER_MAX = 1024 * 1024;

export interface NotifyOptions {
  /** How long an HTTP server or a command may take, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Environment of a command; our own when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Working directory of a command. */
  readonly cwd?: string;
  /** Which processes of the name are told, all where absent; that there are none of these is no error. */
  readonly meant?: (process: ProcessInfo) => boolean;
  /** Headers of an HTTP request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a status means that it was taken; 2xx where absent. */
  readonly accepts?: (status: number) => boolean;
  /** Where processes are looked for. */
  readonly proc?: string;
}

/**
 * Tell it. Returns when it was told, not when it has done what it was told.
 * @throws {NotificationRefused} when it was told and refused
 * @throws {Error} when nobody was told: no such process, not allowed, no answer
 */
export async function notify(notification: Notification, options: NotifyOptions): Promise<void> {
  switch (notification.kind) {
    case 'signal':
    case 'terminate': {
      const signal = notification.kind === 'signal' ? notification.signal : 'SIGTERM';
      for (const found of addressees(notification, options.proc))
        if (options.meant?.(found) ?? true) sendSignal(found, signal, options.proc);
      return;
    }
    case 'http': {
      const { timeout, signal, headers, accepts = succeeded } = options;
      const { status } = await request(notification.url, {
        method: notification.method,
        ...(headers && { headers }),
        timeout,
        signal,
        maxBody: ANSWER_MAX,
      });
      if (!accepts(status)) throw new NotificationRefused(`${withoutCredentials(notification.url)} answered ${status}`);
      return;
    }
    case 'command':
      try {
        await runCommand(notification.argv, {
          timeout: options.timeout,
          ...(options.signal && { signal: options.signal }),
          ...(options.env && { env: options.env }),
          ...(options.cwd !== undefined && { cwd: options.cwd }),
        });
      } catch (error) {
        if (!(error instanceof CommandError) || error.reason !== 'exit') throw error;
        throw new NotificationRefused(error.message, { cause: error });
      }
  }
}

/** A redirect has not done what was asked: most likely it leads to a login. */
const succeeded = (status: number): boolean => status >= 200 && status <= 299;

/** The processes that a notification is for. */
function addressees(notification: Notification & { kind: 'signal' | 'terminate' }, proc?: string): ProcessInfo[] {
  return notification.process === undefined ? [onlyOther(proc)] : find(notification.process, proc);
}

function find(name: string, proc?: string): ProcessInfo[] {
  const found = findProcesses(name, proc);
  if (found.length === 0) {
    throw new Error(`no process ${name} is in this pid namespace (it is seen with pid: service:… in compose)`);
  }
  return found;
}

function onlyOther(proc?: string): ProcessInfo {
  const roots = containerRoots(proc);
  if (roots.length === 1) return roots[0]!;
  const names = roots.map((root) => namesOf(root)[0]);
  throw new Error(
    roots.length === 0
      ? "there is no other container in the pod's pid namespace"
      : `there are ${roots.length} other containers in the pod (${names.join(', ')}): say which, as terminate@${names[0]}`,
  );
}
