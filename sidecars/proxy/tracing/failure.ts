/** Why an exchange did not go well, for its span. */
import type { FilteredExchange, Outcome } from '#proxy/filters/filter.ts';

export interface Failure {
  /** One of few names: how the exchange ended, or the status. */
  readonly type: string;
  readonly sentence: string;
  /** The server's fault: a client that leaves, or whose request is refused, is none. */
  readonly error: boolean;
}

const SENTENCES: Readonly<Record<Exclude<Outcome, 'complete' | 'switched'>, string>> = {
  cancelled: 'The client went away.',
  rejected: 'The request was refused: it is not valid HTTP, or came too slowly.',
  internal_error: 'The proxy failed; its log says why.',
  filter_timeout: 'The proxy took too long.',
  connect: 'The application took no connection.',
  connect_timeout: 'The application did not accept a connection in time.',
  closed: 'The application closed the connection before it answered.',
  invalid_response: 'The application’s answer is not valid HTTP.',
  response_timeout: 'The application did not answer in time.',
  truncated: 'The application closed the connection within its answer.',
  body_timeout: 'The application fell silent within its answer.',
  no_endpoint: 'The application is down.',
  request_timeout: 'The client did not send the rest of its request in time.',
};

const OF_CLIENTS: ReadonlySet<Outcome> = new Set(['cancelled', 'rejected', 'request_timeout']);

/** @returns undefined where all went well */
export function failureOf({
  outcome,
  failure,
  failureReason,
  status,
  reason: refused,
}: FilteredExchange): Failure | undefined {
  // The proxy's own answer to a failure is complete.
  const type = failure ?? outcome;
  if (type === 'complete' || type === 'switched') {
    if (refused !== undefined)
      return { type: refused, sentence: `The proxy answered by itself: ${refused}.`, error: false };
    return status < 500
      ? undefined
      : { type: String(status), sentence: `The answer’s status is ${status}.`, error: true };
  }
  const sentence = SENTENCES[type];
  const reason = failure === undefined || failureReason === '' ? '' : ` (${failureReason})`;
  return { type, sentence: `${sentence.slice(0, -1)}${reason}.`, error: !OF_CLIENTS.has(type) };
}
