/** One-time mode: every file in place once, as an init container does it. */
import { existsSync } from 'node:fs';
import { Backoff, pause } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { nameOf } from '../documents/document.ts';
import type { ManagedFile } from '../apply/managed-file.ts';
import { StorageError } from '../apply/target.ts';
import { SourceError, type Source } from '../sources/source.ts';

export interface OneTimeOptions {
  readonly files: readonly ManagedFile[];
  readonly source: Source;
  /** Largest document, in bytes, for messages. */
  readonly maxSize: number;
  /** Longest pause between two tries, in milliseconds. */
  readonly retryMax: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Says what is missing so far. */
  readonly onProblem: (problem: string) => void;
  /** Aborts at the deadline. */
  readonly signal: AbortSignal;
}

const RETRY_INITIAL = 100;

/**
 * Put every file in place: what the source has, or the last good version when it has nothing usable.
 * @returns what could not be put in place until the signal aborted, and why; empty when all is well
 */
export async function putInPlace(options: OneTimeOptions): Promise<string[]> {
  const problems = new Map<ManagedFile, string>(options.files.map((file) => [file, 'there was no time']));
  const prepared = new Set<ManagedFile>();
  const backoff = new Backoff({ initial: RETRY_INITIAL, max: options.retryMax });
  while (problems.size > 0 && !options.signal.aborted) {
    for (const file of problems.keys()) {
      const problem = await tryOnce(file, prepared, options);
      if (problem === undefined) problems.delete(file);
      else if (!options.signal.aborted) {
        problems.set(file, problem);
        options.onProblem(`${file.plan.path}: ${problem}`);
      }
    }
    if (problems.size > 0) await pause(backoff.next(), options.signal).catch(() => {});
  }
  return [...problems].map(([file, problem]) => `${file.plan.path}: ${problem}`);
}

/**
 * Wait until the sidecar that is at work on the same state has every file in place.
 * @returns as putInPlace
 */
export async function leaveToSidecar({
  files,
  log,
  onProblem,
  signal,
}: Pick<OneTimeOptions, 'files' | 'log' | 'onProblem' | 'signal'>): Promise<string[]> {
  log.info('a sidecar is at work on these files: they are left to it');
  for (;;) {
    const missing = files.filter(({ plan }) => !existsSync(plan.path)).map(({ plan }) => `${plan.path}: not there yet`);
    if (missing.length === 0 || signal.aborted) return missing;
    onProblem(missing[0]!);
    await pause(RETRY_INITIAL, signal).catch(() => {});
  }
}

/** Undefined when the file is in place. */
async function tryOnce(
  file: ManagedFile,
  prepared: Set<ManagedFile>,
  { source, maxSize, log, signal }: OneTimeOptions,
): Promise<string | undefined> {
  const { key, path } = file.plan;
  let problem: string;
  try {
    if (!prepared.has(file)) await file.prepare();
    prepared.add(file);
    const reading = await source.read(key, undefined, signal);
    if (reading.kind === 'document') {
      const outcome = await file.apply(reading.document);
      const { refused } = file.journal;
      if (outcome !== 'rejected' && refused?.version !== reading.document.version) return undefined;
      problem = `${nameOf(reading.document)} was refused: ${refused?.reason}`;
    } else if (reading.kind === 'too-large') {
      problem = `it has ${reading.bytes ?? 'too many'} bytes; at most ${maxSize} are taken`;
      await file.refuse(reading.id, problem);
    } else if (reading.kind === 'unusable') {
      problem = reading.reason;
      await file.refuse(reading.id, problem);
    } else problem = `the source has no document ${key}`;
  } catch (error) {
    if (signal.aborted) return 'there was no time';
    problem = error instanceof SourceError || error instanceof StorageError ? error.message : String(error);
    if (!(error instanceof SourceError)) return problem;
  }
  const { good, candidate } = file.journal;
  // A candidate is what the sidecar, or this mode before it, validated and put in place.
  const there = candidate?.failure === undefined ? (candidate ?? good) : undefined;
  if (!file.inPlace || !there) return problem;
  log.warn({ file: path }, `${problem}; going on with ${nameOf(there)}`);
  return undefined;
}
