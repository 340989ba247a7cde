/**
 * Doing a job on a document under limits. What is small is done here, for at most a moment; what is
 * large, or did not end in that moment, is done in a process of its own, so that the admin port goes on
 * answering, and with compilers, which this process does without.
 */
import { join } from 'node:path';
import { runInChild, ChildFailed } from '#kit/process/run-in-child.ts';
import { bareEnvironment } from './environment.ts';
import { Invalid } from '../documents/invalid.ts';
import { ready, sizeOf, type Job } from './job.ts';
import { CpuLimitExceeded, withCpuLimit } from './cpu-limit.ts';

export interface Limits {
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** The argument that makes this program the process that does one job. */
export const WORKER = '--work';

/** What goes to that process, and what comes back. */
export interface Order {
  readonly job: Job;
  /** Milliseconds. */
  readonly timeout: number;
}
export type Result =
  | { readonly kind: 'done'; readonly text: string | undefined }
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'late' };

/** Most bytes that are worked on here. */
const HERE_MAX = 32 * 1024;
/** So long the admin port may have to wait, in milliseconds. */
const MOMENT = 100;
/** How long a process may take to start and to end, in milliseconds. */
const AROUND = 10_000;
/** The heap of that process in MiB: at least, and for each MiB of the document. */
const HEAP_MIN = 48;
const HEAP_FOR_EACH = 64;

const MIB = 1024 * 1024;
/** Bundled, the program is one file. */
const PROGRAM = import.meta.filename.endsWith('.ts') ? join(import.meta.dirname, '../main.ts') : import.meta.filename;

/**
 * Do a job.
 * @returns what was rendered; undefined for an examination
 * @throws {Invalid} when the document is not to be used, and the signal's reason
 */
export async function perform(job: Job, limits: Limits): Promise<string | undefined> {
  limits.signal.throwIfAborted();
  if (sizeOf(job) <= HERE_MAX) {
    try {
      return withCpuLimit(Math.min(MOMENT, limits.timeout), await ready(job));
    } catch (error) {
      if (!(error instanceof CpuLimitExceeded)) throw error;
    }
  }
  const result = await elsewhere(job, limits);
  switch (result.kind) {
    case 'done':
      return result.text;
    case 'invalid':
      throw new Invalid(result.reason);
    case 'late':
      throw new Invalid(`validating it takes longer than ${limits.timeout / 1000} s`);
  }
}

/** Do a job in a process of its own, which ends with it. */
async function elsewhere(job: Job, { timeout, signal }: Limits): Promise<Result> {
  const heap = HEAP_MIN + Math.ceil(sizeOf(job) / MIB) * HEAP_FOR_EACH;
  const order: Order = { job, timeout };
  try {
    return await runInChild<Result>(order, {
      program: PROGRAM,
      argument: WORKER,
      env: bareEnvironment(),
      heap,
      // Its own deadline comes first; this one is for what cannot be cut off, and for a start that hangs.
      timeout: timeout + AROUND,
      signal,
    });
  } catch (error) {
    if (!(error instanceof ChildFailed)) throw error;
    if (error.late) return { kind: 'late' };
    const reason = `${error.message}: it needs more than ${heap} MiB, or than the container has`;
    return { kind: 'invalid', reason: `validating it failed: ${reason}` };
  }
}
