/** Long polling: an answer that is held back until there is something to say. */
import type { ServerResponse } from 'node:http';
import type { Hub } from './hub.ts';

/**
 * Wait until a document changes, the time is over, the client has gone, or the server goes away.
 * @param options `wait` in milliseconds; `response` is the client's; `owner`, the name of its token
 * @throws {Refusal} busy when too many wait
 */
export async function nextChange(
  hub: Hub,
  key: string,
  { owner, wait, response }: { owner: string; wait: number; response: ServerResponse },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  const leave = hub.add({ owner, keys: new Set([key]), onChange: done, onEnd: done });
  const timer = setTimeout(done, wait);
  response.once('close', done);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    response.off('close', done);
    leave();
  }
}
