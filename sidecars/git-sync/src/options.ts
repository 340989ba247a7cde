/** The parameters, checked against each other and read into what the parts take. */
import type { Values } from '#kit/contract/parameters.ts';
import { ConfigurationError, type Problem } from '#kit/contract/parameters.ts';
import { parseCommand } from '#kit/process/command.ts';
import { parseNotification } from '#kit/process/notify.ts';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { whyUnreadable } from '#kit/files/remedy.ts';
import type { contract } from './contract.ts';
import type { NotifyTargets } from './notify/channels.ts';
import { ACCEPTED_CREDENTIALS, parseCredentials, type Credential } from './repository/credentials.ts';
import { ACCEPTED_ADDRESSES, parseRepository, type RepositoryAddress } from './repository/url.ts';
import { layOut, type Layout } from './versions/layout.ts';

export type ParameterValues = Values<(typeof contract)['parameters']>;

/** Milliseconds between two looks when nobody says. A push that is announced need not be looked for often. */
const PERIOD = { alone: 10_000, withWebhooks: 60_000 };

export interface Options extends NotifyTargets {
  /** Milliseconds. */
  readonly period: number;
  readonly repository: RepositoryAddress;
  readonly layout: Layout;
  readonly errorFile: string | undefined;
  readonly credentials: readonly Credential[];
  readonly sshKeyFiles: readonly string[];
  readonly gate: readonly string[] | undefined;
}

/**
 * Check what one parameter's type alone cannot tell.
 * @throws {ConfigurationError} with all that is wrong; no message repeats an address, which may hold a password
 */
export function readOptions(parameters: ParameterValues): Options {
  const problems: Problem[] = [];
  const attempt = <T>(parameter: string, read: () => T, accepted: string): T | undefined => {
    try {
      return read();
    } catch (error) {
      const message = `${parameter}: it ${(error as Error).message}; accepted is ${accepted}`;
      problems.push({ parameter, reason: 'malformed', message });
      return undefined;
    }
  };
  const conflict = (parameter: string, message: string): void =>
    void problems.push({ parameter, reason: 'conflict', message: `${parameter}: ${message}` });
  const command = (name: 'GITSYNC_GATE_COMMAND' | 'GITSYNC_EXECHOOK_COMMAND'): readonly string[] | undefined => {
    const text = parameters[name];
    return text === undefined
      ? undefined
      : attempt(name, () => words(text), 'a program and its arguments, quoted where they hold blanks');
  };

  const repository = attempt('GITSYNC_REPO', () => parseRepository(parameters.GITSYNC_REPO), ACCEPTED_ADDRESSES);
  const link = parameters.GITSYNC_LINK ?? repository?.leaf ?? 'unknown';
  const layout = attempt(
    'GITSYNC_LINK',
    () => layOut(parameters.GITSYNC_ROOT, link),
    'a path that is neither GITSYNC_ROOT nor in its .git, .gitsync or .worktrees',
  );
  const credentials =
    parameters.GITSYNC_CREDENTIAL === undefined
      ? []
      : attempt('GITSYNC_CREDENTIAL', () => parseCredentials(parameters.GITSYNC_CREDENTIAL!), ACCEPTED_CREDENTIALS);
  const sshKeyFiles = parameters.GITSYNC_SSH_KEY_FILE.split(':');
  const gate = command('GITSYNC_GATE_COMMAND');
  const exechook = command('GITSYNC_EXECHOOK_COMMAND');
  const text = parameters.GITSYNC_SIGNAL;
  const signal = text === undefined ? undefined : attempt('GITSYNC_SIGNAL', () => signalOf(text), 'such as HUP@nginx');

  if (parameters.GITSYNC_ASKPASS_URL !== undefined && parameters.GITSYNC_PASSWORD_FILE !== undefined) {
    conflict('GITSYNC_ASKPASS_URL', 'GITSYNC_PASSWORD_FILE is set too: keep one');
  }
  if (parameters.GITSYNC_USERNAME !== undefined && parameters.GITSYNC_PASSWORD_FILE === undefined) {
    conflict('GITSYNC_USERNAME', 'it needs GITSYNC_PASSWORD_FILE');
  }
  if (parameters.GITSYNC_ONE_TIME && parameters.GITSYNC_VERIFY_URL !== undefined) {
    conflict('GITSYNC_VERIFY_URL', 'with GITSYNC_ONE_TIME the application is not up yet: keep one');
  }
  if (parameters.GITSYNC_VERIFY_STABLE >= parameters.GITSYNC_VERIFY_TIMEOUT) {
    conflict('GITSYNC_VERIFY_STABLE', 'it is not shorter than GITSYNC_VERIFY_TIMEOUT, and could never be reached');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  if (parameters.GITSYNC_RECEIVE_SECRET_FILE !== undefined) checkSecret(parameters.GITSYNC_RECEIVE_SECRET_FILE);
  const announced = parameters.GITSYNC_RECEIVE_SECRET_FILE !== undefined;
  return {
    period: parameters.GITSYNC_PERIOD ?? (announced ? PERIOD.withWebhooks : PERIOD.alone),
    repository: repository!,
    layout: layout!,
    errorFile: parameters.GITSYNC_ERROR_FILE && resolve(parameters.GITSYNC_ROOT, parameters.GITSYNC_ERROR_FILE),
    credentials: credentials!,
    sshKeyFiles,
    gate,
    exechook,
    signal,
  };
}

/**
 * An empty secret proves nothing, and each webhook would be refused without anybody seeing why.
 * @throws {ConfigurationError}
 */
function checkSecret(path: string): void {
  const refuse = (reason: 'malformed' | 'unreadable', what: string): never => {
    const message = `GITSYNC_RECEIVE_SECRET_FILE: ${path} ${what}; accepted is a file with a secret`;
    throw new ConfigurationError([{ parameter: 'GITSYNC_RECEIVE_SECRET_FILE', reason, message }]);
  };
  let secret = '';
  try {
    secret = readFileSync(path, 'utf8');
  } catch (error) {
    refuse('unreadable', whyUnreadable(path, error));
  }
  if (secret.trim() === '') refuse('malformed', 'is empty');
}

function words(text: string): string[] {
  try {
    return parseCommand(text);
  } catch (error) {
    throw new Error(`cannot be split into words: ${(error as Error).message}`, { cause: error });
  }
}

function signalOf(text: string): { signal: NodeJS.Signals; process: string } {
  try {
    const notification = parseNotification(`signal:${text}`);
    if (notification.kind === 'signal') return notification;
  } catch {
    // Said below, in the words of this parameter.
  }
  throw new Error('is not a signal and a program');
}
