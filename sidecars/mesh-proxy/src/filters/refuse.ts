/** An answer of the proxy's own, with the reason in it. */
import type { Reply } from '#proxy/http/reply.ts';
import { plainReply } from '#proxy/http/responses.ts';
import type { RequestState, ResponseFlag } from '../stream-info/request-state.ts';

/**
 * @param cause a whole sentence, for the client and for the log
 * @param flag undefined where Envoy has none
 */
export function refuse(record: RequestState, status: number, flag: ResponseFlag | undefined, cause: string): Reply {
  record.local = true;
  if (flag === undefined) record.cause ??= cause;
  else record.flag(flag, cause);
  return plainReply(status, 0, cause);
}
