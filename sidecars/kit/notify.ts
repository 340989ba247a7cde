/** Telling an application that something changed, in the ways that applications understand. */
import { constants } from 'node:os';
import { parseCommand, runCommand } from './command.ts';
import { request, withoutCredentials } from './http-client.ts';
import { containerRoots, findProcesses, namesOf, sendSignal, type ProcessInfo } from './processes.ts';

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

export interface NotifyOptions {
  /** How long an HTTP server or a command may take, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Environment of a command; our own when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Working directory of a command. */
  readonly cwd?: string;
  /** Where processes are looked for. */
  readonly proc?: string;
}

/**
 * Tell it. Returns when it was told, not when it has done what it was told.
 * @throws {Error} when nobody was told: no such process, not allowed, a status of 400 or more, a failed command
 */
export async function notify(notification: Notification, options: NotifyOptions): Promise<void> {
  switch (notification.kind) {
    case 'signal':
      for (const found of find(notification.process, options.proc))
        sendSignal(found, notification.signal, options.proc);
      return;
    case 'terminate':
      for (const found of notification.process === undefined
        ? [onlyOther(options.proc)]
        : find(notification.process, options.proc)) {
        sendSignal(found, 'SIGTERM', options.proc);
      }
      return;
    case 'http': {
      const { status } = await request(notification.url, { method: notification.method, ...options });
      if (status >= 400) throw new Error(`${withoutCredentials(notification.url)} answered ${status}`);
      return;
    }
    case 'command':
      await runCommand(notification.argv, {
        timeout: options.timeout,
        ...(options.signal && { signal: options.signal }),
        ...(options.env && { env: options.env }),
        ...(options.cwd !== undefined && { cwd: options.cwd }),
      });
  }
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
