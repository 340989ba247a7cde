/** The process that does one job, and ends. */
import { once } from 'node:events';
import { Invalid } from '../validate/invalid.ts';
import { ready } from './job.ts';
import type { Order, Result } from './perform.ts';
import { OutOfTime, within } from './within.ts';

/** Take the order from the process that made this one, answer, and end. */
export async function work(): Promise<void> {
  // Nobody waits for an answer any more.
  process.once('disconnect', () => process.exit(0));
  const [order] = (await once(process, 'message')) as [Order];
  const result = await resultOf(order);
  // It has a channel, or there would have been no order.
  process.send?.(result, undefined, undefined, () => process.disconnect?.());
}

async function resultOf({ job, timeout }: Order): Promise<Result> {
  try {
    // It ends by itself, should nobody be left to end it.
    return { kind: 'done', text: within(timeout, await ready(job)) };
  } catch (error) {
    if (error instanceof OutOfTime) return { kind: 'late' };
    if (error instanceof Invalid) return { kind: 'invalid', reason: error.message };
    throw error;
  }
}
