/** An error in one line, with the causes that say what really happened. */

/** How many causes are followed; a chain may be circular. */
const DEPTH = 8;

/**
 * The messages of an error and of its causes, joined: `fetch failed: connect ECONNREFUSED 127.0.0.1:80`.
 * What a message already holds is not said again. Of an AggregateError without a message, the
 * messages of its errors.
 * @param error anything that was thrown
 */
export function explain(error: unknown): string {
  const messages: string[] = [];
  let each = error;
  for (let depth = 0; depth < DEPTH && each !== undefined && each !== null; depth++) {
    const message = messageOf(each);
    if (message !== '' && !messages.some((earlier) => earlier.includes(message))) messages.push(message);
    each = each instanceof Error ? each.cause : undefined;
  }
  return messages.join(': ');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = error.name } = error as { code?: string };
  if (error instanceof AggregateError && error.message === '')
    return [...new Set(error.errors.map((one) => messageOf(one)))].join(', ') || code;
  return error.message || code;
}
