/** The shard mode: the application's one server is several. */
import { ConfigurationError } from '#kit/parameters.ts';
import type { AmbassadorKit } from '../kit.ts';
import { contract } from '../contract.ts';
import { Counts } from './counts.ts';
import type { HashName } from '../ring/hash.ts';
import { ShardPlane, type ShardMember } from './serve.ts';

/** Left of the shutdown's time for closing, in milliseconds. */
const CLOSING = 500;
const MAX_ARGUMENTS = 1024 * 1024;
/** From one look at the servers to the next, in milliseconds. */
const LOOK = 500;

/** Serve the application. @throws {ConfigurationError} without SERVERS, or when the port cannot be had */
export async function startShard(kit: AmbassadorKit): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown } = kit;
  if (parameters.SERVERS === undefined)
    throw new ConfigurationError([
      { parameter: 'SERVERS', reason: 'missing', message: 'SERVERS is not set; AMBASSADOR_MODE=shard requires it' },
    ]);
  const counts = new Counts();
  kit.beforeMetrics(() => counts.report(metrics));
  const ready = readiness.check('servers', 5 * LOOK);
  const plane = new ShardPlane({
    address: parameters.AMBASSADOR_ADDRESS,
    port: parameters.AMBASSADOR_PORT,
    members: parameters.SERVERS.map(memberOf),
    ring: {
      hash: parameters.HASH as HashName,
      distribution: parameters.DISTRIBUTION as 'ketama' | 'modula',
      hashTag: parameters.HASH_TAG,
    },
    password: parameters.SERVER_PASSWORD,
    timeout: parameters.TIMEOUT,
    connections: parameters.SERVER_CONNECTIONS,
    failureLimit: parameters.SERVER_FAILURE_LIMIT,
    eject: parameters.ON_FAILURE === 'eject' ? parameters.SERVER_RETRY_TIMEOUT : undefined,
    limits: {
      maxSize: parameters.AMBASSADOR_MAX_COMMAND,
      maxArguments: MAX_ARGUMENTS,
      maxOutput: parameters.AMBASSADOR_MAX_OUTPUT,
    },
    maxClients: parameters.AMBASSADOR_MAX_CLIENTS,
    version: contract.version,
    log,
    stats: {
      onCommand: () => void counts.commands++,
      onFragments: (count) => void (counts.fragments += count),
      onForwardError: () => void counts.forwardErrors++,
      onClients: (count) => metrics.client_connections.set(count),
      onServerRequest: (server) => counts.add('requests', server),
      onServerAnswer: (server) => counts.add('responses', server),
      onServerUp: (server, up) => metrics.server_up.set({ server }, up ? 1 : 0),
      onEject: (server) => metrics.server_ejects.inc({ server }),
    },
  });
  await plane.open();
  const look = (): void => (plane.wrong === undefined ? ready.pass() : ready.fail(plane.wrong));
  const timer = setInterval(look, LOOK);
  look();
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  shutdown.step('drain', async () => {
    clearInterval(timer);
    await plane.drain(patience);
  });
}

/** `host:port`, `host:port:weight`, or with a name behind it, as nutcracker reads them. */
function memberOf(text: string): ShardMember {
  const [address = '', name] = text.split(' ');
  const [host = '', port = '', weight = '1'] = address.split(':');
  return {
    host,
    port: Number(port),
    weight: Number(weight),
    name: name ?? (port === '11211' ? host : `${host}:${port}`),
  };
}
