/** Why a request ended as it did: Envoy's response flags, and a sentence that anybody understands. */
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import { reasonBehind } from '../cluster/unreached.ts';
import type { RequestState, ResponseFlag } from './request-state.ts';

export interface Cause {
  readonly flags: readonly ResponseFlag[];
  /** Undefined where all went well. */
  readonly sentence: string | undefined;
}

const FLAG_OF: Readonly<Of<UpstreamFailure, ResponseFlag>> = {
  connect: 'UF',
  connect_timeout: 'UF',
  closed: 'UC',
  invalid_response: 'UPE',
  response_timeout: 'UT',
  truncated: 'UC',
  body_timeout: 'UT',
  no_endpoint: 'UH',
  request_timeout: 'DT',
};
type Of<K extends string, V> = { readonly [key in K]: V };

/** What became of an exchange that is over. */
export function causeOf(record: RequestState): Cause {
  const { exchange, flags, cause } = record;
  const { outcome, failure } = exchange;
  // The proxy's own answer to a failure is complete.
  if (failure !== undefined)
    return {
      flags: withFlag(flags, flagOf(failure, exchange.failureReason)),
      sentence: cause ?? failureSentence(record, failure),
    };
  if (outcome === 'complete' || outcome === 'switched')
    return { flags, sentence: cause ?? (exchange.status >= 500 ? statusSentence(record) : undefined) };
  if (outcome === 'cancelled') {
    const waited = exchange.status === 0 ? 'before a response began' : 'within the response';
    return { flags: withFlag(flags, 'DC'), sentence: cause ?? `The client went away ${waited}.` };
  }
  if (outcome === 'rejected')
    return { flags: withFlag(flags, 'DPE'), sentence: cause ?? 'The request is not valid HTTP, or came too slowly.' };
  if (outcome === 'internal_error')
    return { flags: withFlag(flags, 'LR'), sentence: 'The proxy failed; its log says why.' };
  if (outcome === 'filter_timeout') return { flags: withFlag(flags, 'LR'), sentence: 'The proxy took too long.' };
  return {
    flags: withFlag(flags, flagOf(outcome, exchange.failureReason)),
    sentence: cause ?? failureSentence(record, outcome),
  };
}

function flagOf(failure: UpstreamFailure, reason: string): ResponseFlag {
  return failure === 'closed' && reason.startsWith('reset_') ? 'UR' : FLAG_OF[failure];
}

function withFlag(flags: readonly ResponseFlag[], flag: ResponseFlag): readonly ResponseFlag[] {
  return flags.includes(flag) ? flags : [...flags, flag];
}

/** Also for the client, while the exchange is under way. */
export function failureSentence(record: RequestState, failure: UpstreamFailure): string {
  const { exchange, cluster, retries, retriesDenied } = record;
  const name = cluster?.name ?? 'the destination';
  const at = exchange.tried.at(-1)?.authority ?? 'nobody';
  const reason = exchange.failureReason;
  const tries = retriesDenied
    ? ' Another try was not made: the retry budget is spent.'
    : retries > 0
      ? ` It was tried ${retries + 1} times.`
      : '';
  switch (failure) {
    case 'no_endpoint':
      return `${name} has no healthy endpoint.${tries}`;
    case 'connect':
      return `${unreachedSentence(at, name, reason)}.${tries}`;
    case 'connect_timeout':
      return `${at} of ${name} did not accept a connection in time.${tries}`;
    case 'closed':
      return `${at} of ${name} closed the connection before it answered${reason.startsWith('reset_') ? ` (${reason.slice(6)})` : ''}.${tries}`;
    case 'invalid_response':
      return `What ${at} of ${name} answered is not valid HTTP (${reason}).${tries}`;
    case 'response_timeout':
      return `${at} of ${name} did not answer in time${exchange.timeout === Infinity ? '' : ` (${exchange.timeout} ms)`}.${tries}`;
    case 'truncated':
      return `${at} of ${name} closed the connection within its answer.`;
    case 'body_timeout':
      return `${at} of ${name} fell silent within its answer.`;
    case 'request_timeout':
      return 'The client did not send the rest of its request in time.';
  }
}

/** Why nobody took a connection, without the sentence's end. @param at the endpoint @param name of its cluster */
export function unreachedSentence(at: string, name: string, reason: string): string {
  const behind = reasonBehind(reason);
  if (behind !== undefined) return `${at} of ${name} has no application that takes connections: ${reasonText(behind)}`;
  return reason === 'MESH_IDENTITY'
    ? `${at} did not show the identity that ${name} must have`
    : `Connecting to ${at} of ${name} failed: ${reasonText(reason)}`;
}

const REASONS: Readonly<Of<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'it did not answer',
  timeout: 'it did not answer',
};

function reasonText(code: string): string {
  const text = REASONS[code];
  return text === undefined ? code : `${text} (${code})`;
}

function statusSentence({ exchange, cluster }: RequestState): string {
  return `${exchange.tried.at(-1)?.authority ?? 'The endpoint'} of ${cluster?.name ?? 'the destination'} itself answered ${exchange.status}.`;
}
