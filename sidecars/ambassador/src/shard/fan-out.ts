/** One command to several servers, and one reply to the client. */
import { errorReply } from '../resp/encode.ts';
import type { Reply } from './client.ts';
import { firstError } from './merge.ts';
import { Gathered, type Pending } from './pending.ts';

/** Largest sum of replies that are put together, in bytes. */
const MAX_GATHERED = 64 * 1024 * 1024;

/**
 * Send to each, wait for all, answer once.
 * @param send begins one of them
 * @param merge what the client is told; what it throws is told instead
 */
export function fanOut<T>(
  targets: readonly T[],
  reply: Reply,
  send: (target: T, pending: Pending) => void,
  merge: (replies: readonly Buffer[]) => Buffer,
): void {
  const replies: (Buffer | Error)[] = Array.from({ length: targets.length });
  let left = targets.length;
  for (const [index, target] of targets.entries())
    send(
      target,
      new Gathered(Math.floor(MAX_GATHERED / targets.length), (answer) => {
        replies[index] = answer;
        if (--left > 0) return;
        const wrong = firstError(replies);
        if (wrong instanceof Error) reply.onFailure(wrong.message);
        else if (wrong !== undefined) reply.onReply(wrong, true);
        else
          try {
            reply.onReply(merge(replies as Buffer[]), true);
          } catch (error) {
            reply.onReply(errorReply(`ERR ${(error as Error).message}`), true);
          }
      }),
    );
}
