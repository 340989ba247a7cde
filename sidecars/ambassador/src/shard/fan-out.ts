/** One command to several servers, and one reply to the client. */
import { errorReply } from '../resp/encode.ts';
import { firstError } from './merge.ts';
import { ReplyCollector, type Pending } from './pending.ts';

/** Largest sum of replies that are put together, in bytes. */
const MAX_GATHERED = 64 * 1024 * 1024;

/**
 * Send to each, wait for all, answer once.
 * @param send begins one of them
 * @param merge what the client is told; what it throws is told instead
 * @param anyIsEnough the answer of one that did it counts, whatever the others say
 */
export function fanOut<T>(
  targets: readonly T[],
  reply: Pending,
  send: (target: T, pending: Pending) => void,
  merge: (replies: readonly Buffer[]) => Buffer,
  anyIsEnough = false,
): void {
  const replies: (Buffer | Error)[] = Array.from({ length: targets.length });
  let left = targets.length;
  for (const [index, target] of targets.entries())
    send(
      target,
      new ReplyCollector(Math.floor(MAX_GATHERED / targets.length), (answer) => {
        replies[index] = answer;
        if (--left > 0) return;
        const wrong = anyIsEnough
          ? (replies.find((each) => firstError([each]) === undefined) ?? replies[0])
          : firstError(replies);
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
