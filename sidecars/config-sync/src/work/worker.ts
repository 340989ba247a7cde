/** The process that does one job. */
import { Invalid } from '../documents/invalid.ts';
import { ready } from './job.ts';
import type { Order, Result } from './perform.ts';
import { CpuLimitExceeded, withCpuLimit } from './cpu-limit.ts';

/** Do what is ordered; it ends by itself, should nobody be left to end it. */
export async function work({ job, timeout }: Order): Promise<Result> {
  try {
    return { kind: 'done', text: withCpuLimit(timeout, await ready(job)) };
  } catch (error) {
    if (error instanceof CpuLimitExceeded) return { kind: 'late' };
    if (error instanceof Invalid) return { kind: 'invalid', reason: error.message };
    throw error;
  }
}
