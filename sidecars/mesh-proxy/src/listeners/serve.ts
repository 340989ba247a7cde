/** What speaks HTTP on a connection. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { Http1Downstream } from '#proxy/downstream/http1.ts';
import { Http2Downstream } from '#proxy/downstream/http2.ts';
import type { DownstreamHandler } from '#proxy/sockets/connection.ts';
import type { Connection } from '../stream-info/connection.ts';

export function serveHttp(context: ProxyContext, connection: Connection): DownstreamHandler {
  context.stats.downstreamProtocol(connection.protocol);
  const handler =
    connection.protocol === 'h2'
      ? new Http2Downstream(context, connection).session
      : new Http1Downstream(context, connection);
  if (context.draining) handler.drain();
  return handler;
}
