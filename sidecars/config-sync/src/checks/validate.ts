/** All that a document must be before it may replace the file: syntax, schema, a program's word. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { bareEnvironment } from '../work/environment.ts';
import { Invalid } from '../documents/invalid.ts';
import { perform } from '../work/perform.ts';
import type { Syntax } from '../validate/syntax.ts';

/** What a file's documents are held against. */
export interface Rules {
  readonly syntax: Syntax;
  /** The text of a JSON Schema. */
  readonly schema: string | undefined;
  /** Program and arguments, in which `{}` stands for the staged file. */
  readonly check: readonly string[] | undefined;
  /** Milliseconds, for the check, and for syntax and schema. */
  readonly checkTimeout: number;
  /** What the check gets beside PATH and the like, as NAME=VALUE or NAME. */
  readonly commandEnvironment: readonly string[];
}

export interface Staging {
  /** The file that the document is for; the staged one has its base name. */
  readonly path: string;
  /** A directory that only this file is staged in. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/**
 * Hold a document against the rules.
 * @throws {Invalid} when it must not be published
 * @throws the file system's error when it cannot be staged, and the signal's reason
 */
export async function validate(content: Uint8Array, rules: Rules, staging: Staging): Promise<void> {
  const { syntax, schema, checkTimeout } = rules;
  if (syntax !== 'text')
    await perform({ kind: 'examine', content, syntax, schema }, { timeout: checkTimeout, signal: staging.signal });
  if (rules.check) await runCheck(content, rules.check, rules, staging);
}

async function runCheck(
  content: Uint8Array,
  check: readonly string[],
  { checkTimeout: timeout, commandEnvironment }: Rules,
  { path, directory, signal }: Staging,
): Promise<void> {
  const staged = join(directory, basename(path));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(staged, content, { mode: 0o600 });
  try {
    await runCommand(
      check.map((word) => word.replaceAll('{}', staged)),
      { cwd: directory, env: bareEnvironment(commandEnvironment), timeout, signal, maxOutput: 8192 },
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.reason === 'aborted') throw signal.reason;
    throw new Invalid(`the check refuses it: ${said(error).replaceAll(staged, basename(path))}`);
  }
}

/** Lines of a check's complaint that are told; the one that says why is not always the last. */
const TOLD_LINES = 4;

function said({ reason, code, message, stderr }: CommandError): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return reason === 'exit' && lines.length > 1 ? `exit code ${code}: ${lines.slice(-TOLD_LINES).join('; ')}` : message;
}
