/** Filter: the old version answers, and the new one gets copies of some requests, whose answers are thrown away. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { NO_BODY } from '#proxy/http/message.ts';
import { discard } from '#proxy/upstream/discarded.ts';
import type { EvenPoints } from './visitors.ts';
import { Visit, type Versions } from './visit.ts';

/** Requests with longer bodies, in bytes, are not copied. */
const MAX_BODY = 64 * 1024;
/** Most copies under way: further requests are not copied. */
const MAX_OPEN = 64;
/** How long a copy may take from its beginning to the end of its answer, in milliseconds. */
const TIMEOUT = 15_000;

export type CopyOutcome = 'answered' | 'failed' | 'too_many' | 'too_large';

export interface MirrorFilterOptions {
  readonly context: () => ProxyContext;
  readonly versions: Versions;
  readonly points: EvenPoints;
  readonly onCopy: (outcome: CopyOutcome) => void;
}

export function mirrorFilter({ context, versions, points, onCopy }: MirrorFilterOptions): Filter {
  let open = 0;
  const send = (exchange: FilteredExchange, body: string): void => {
    open++;
    discard({
      context: context(),
      request: exchange.request,
      body,
      cluster: new Visit(versions, 'new', exchange.request),
      downstream: exchange.downstream,
      timeout: TIMEOUT,
      onEnd(answered) {
        open--;
        onCopy(answered ? 'answered' : 'failed');
      },
    });
  };
  const copyBody = async (exchange: FilteredExchange): Promise<undefined> => {
    const body = await exchange.readBody(MAX_BODY);
    if (body === undefined) onCopy('too_large');
    // Others may have begun meanwhile.
    else if (open >= MAX_OPEN) onCopy('too_many');
    else send(exchange, body.toString('latin1'));
  };
  return {
    onRequest(exchange) {
      const { request } = exchange;
      exchange.cluster = new Visit(versions, 'old', request);
      // Nobody can be asked twice on a connection that leaves HTTP.
      if (points.next() >= versions.judge.share || request.upgrade !== '') return undefined;
      if (open >= MAX_OPEN) onCopy('too_many');
      else if (request.body !== NO_BODY) return copyBody(exchange);
      else send(exchange, '');
      return undefined;
    },
  };
}
