/** A connection that is passed on as it is, counted and written down when it ends. */
import { reset } from '#proxy/sockets/reset.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { ResponseFlag } from '../stream-info/request-state.ts';
import type { OpenRelay, RelayEnd, RelayTelemetry } from '../stream-info/telemetry.ts';
import { unreachedSentence } from '../stream-info/causes.ts';
import { DENIED, refusalOf } from './acceptance.ts';
import type { Connection } from '../stream-info/connection.ts';
import { Dial, TIMEOUT, UNCONFIRMED } from './dial.ts';
import { FinalReply } from './final-reply.ts';

/** Relay a connection to a cluster. A circuit breaker that is open, or no endpoint, closes it. */
export function relay(
  context: ProxyContext,
  connection: Connection,
  cluster: MeshCluster,
  telemetry: RelayTelemetry,
): void {
  context.stats.downstreamProtocol('tcp');
  const place = cluster.limits.enter(false, () => new AbortController().signal);
  // One that does not connect never waits for a connection: see Limits.
  if (place === undefined || place instanceof Promise)
    return refuseConnection(
      context,
      connection,
      telemetry,
      'UO',
      `${cluster.name} has as much under way as its circuit breaker allows`,
    );
  const endpoint = cluster.pick({ downstream: connection, tried: [] });
  if (endpoint === undefined) {
    place.leave();
    return refuseConnection(context, connection, telemetry, 'UH', `${cluster.name} has no healthy endpoint`);
  }
  const startedAt = performance.now();
  const { socket } = connection;
  const dial = new Dial(context, connection, cluster, endpoint);
  const open: OpenRelay = {
    connection,
    cluster,
    get endpoint() {
      return dial.endpoint;
    },
    get received() {
      return socket.bytesRead;
    },
    get sent() {
      return Math.max(0, socket.bytesWritten - dial.said);
    },
  };
  telemetry.onOpen(open);
  socket.once('close', () => {
    place.leave();
    dial.leave();
    telemetry.onClose({
      connection,
      cluster,
      endpoint: dial.endpoint,
      ...outcomeOf(dial, cluster),
      retries: dial.tried.length - 1,
      received: open.received,
      sent: open.sent,
      duration: performance.now() - startedAt,
    });
  });
}

function outcomeOf({ failure, endpoint, exhausted, tried }: Dial, { name }: MeshCluster): Outcome {
  if (failure === undefined) return { flags: [], cause: undefined };
  const tries = tried.length > 1 ? `. It was tried ${tried.length} times` : '';
  const cause = CAUSES[failure]?.(endpoint.authority, name) ?? unreachedSentence(endpoint.authority, name, failure);
  const flags: ResponseFlag[] = failure === DENIED ? ['UAEX'] : exhausted ? ['UF', 'URX'] : ['UF'];
  return { flags, cause: cause + tries };
}

type Outcome = Pick<RelayEnd, 'flags' | 'cause'>;

const CAUSES: Readonly<{ [reason: string]: (at: string, name: string) => string }> = {
  [DENIED]: (at, name) => `${at} of ${name} refused the connection: its policy does not allow it`,
  [TIMEOUT]: (at, name) => `${at} of ${name} did not accept a connection in time`,
  [UNCONFIRMED]: (at, name) => `${at} of ${name} did not say whether its application took the connection`,
};

/** Close a connection, and say why. */
export function refuseConnection(
  context: ProxyContext,
  connection: Connection,
  telemetry: RelayTelemetry,
  flag: ResponseFlag,
  cause: string,
): void {
  telemetry.onClose({
    connection,
    cluster: undefined,
    endpoint: undefined,
    flags: [flag],
    cause,
    retries: 0,
    received: 0,
    sent: 0,
    duration: 0,
  });
  if (!connection.answers) reset(connection.socket);
  else new FinalReply(context, connection.socket, refusalOf(flag === 'UAEX' ? DENIED : flag));
}
