/** The shard mode: the application's one server is several. */
import { readFileSync } from 'node:fs';
import { unreadable } from '#kit/files/remedy.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { AmbassadorKit } from '../kit.ts';
import { tracingOf } from '../plane-parts.ts';
import { CommandSpans } from './command-spans.ts';
import { Counts } from './counts.ts';
import type { HashName } from '../ring/hash.ts';
import { memberOf } from '../ring/members.ts';
import { Membership } from './membership.ts';
import { ShardPlane } from './serve.ts';
import type { Login } from './server-connection.ts';

/** Left of the shutdown's time for closing, in milliseconds. */
const CLOSING = 500;
const MAX_ARGUMENTS = 1024 * 1024;
/** From one look at the servers to the next, in milliseconds. */
const LOOK = 500;

/** Serve the application. @throws {ConfigurationError} without SERVERS, or when the port cannot be had */
export async function startShard(kit: AmbassadorKit, version: string): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown } = kit;
  const list = await listOf(kit, () => plane);
  const counts = new Counts();
  kit.beforeMetrics(() => counts.report(metrics));
  const tracing = tracingOf(kit);
  const ready = readiness.check('servers', 5 * LOOK);
  const plane: ShardPlane = new ShardPlane({
    address: parameters.AMBASSADOR_ADDRESS,
    port: parameters.AMBASSADOR_PORT,
    members: list.servers,
    ring: {
      hash: parameters.HASH as HashName,
      distribution: parameters.DISTRIBUTION as 'ketama' | 'modula',
      hashTag: parameters.HASH_TAG,
    },
    login: loginOf(parameters),
    timeout: parameters.TIMEOUT,
    slowTimeout: parameters.SLOW_TIMEOUT,
    connections: parameters.SERVER_CONNECTIONS,
    failureLimit: parameters.SERVER_FAILURE_LIMIT,
    eject: parameters.ON_FAILURE === 'eject' ? parameters.SERVER_RETRY_TIMEOUT : undefined,
    relayAdmin: parameters.ADMIN_COMMANDS === 'relay',
    limits: {
      maxSize: parameters.AMBASSADOR_MAX_COMMAND,
      maxArguments: MAX_ARGUMENTS,
      maxOutput: parameters.AMBASSADOR_MAX_OUTPUT,
    },
    maxClients: parameters.AMBASSADOR_MAX_CLIENTS,
    version,
    log,
    spans: tracing.spans && new CommandSpans(tracing.spans),
    stats: {
      onCommand: () => void counts.commands++,
      onFragments: (count) => void (counts.fragments += count),
      onForwardError: () => void counts.forwardErrors++,
      onRefused: () => metrics.ambassador_connections_refused_total.inc({ reason: 'max_connections' }),
      onClients: (count) => metrics.client_connections.set(count),
      onServerRequest: (server) => counts.add('requests', server),
      onServerAnswer: (server) => counts.add('responses', server),
      onServerUp: (server, up) => {
        metrics.server_up.set({ server }, up ? 1 : 0);
        // From the begin: increase() does not see the first value of a series.
        metrics.server_ejects.inc({ server }, 0);
      },
      onServerRemoved: (server) => metrics.server_up.remove({ server }),
      onKeyMoved: () => metrics.keys_moved.inc(),
      onEject: (server) => metrics.server_ejects.inc({ server }),
    },
  });
  await plane.open();
  const look = (): void => {
    const wrong = plane.wrong ?? list.wrong;
    if (wrong === undefined) ready.pass();
    else ready.fail(wrong);
    void list.look();
  };
  const timer = setInterval(look, LOOK);
  look();
  const patience = Math.max(parameters.SHUTDOWN_TIMEOUT - CLOSING, parameters.SHUTDOWN_TIMEOUT / 2);
  shutdown.step('drain', async () => {
    clearInterval(timer);
    await plane.drain(patience);
    await tracing.close();
  });
}

/** @throws {ConfigurationError} for a user without a password, or an authority that cannot be read */
function loginOf({
  SERVER_USER: user,
  SERVER_PASSWORD: password,
  SERVER_TLS_CA: path,
}: AmbassadorKit['parameters']): Login {
  if (user !== undefined && password === undefined) throw wrong('missing', 'SERVER_USER needs SERVER_PASSWORD');
  try {
    return { user, password, ca: path === undefined ? undefined : readFileSync(path, 'utf8') };
  } catch (error) {
    throw wrong('unreadable', `SERVER_TLS_CA: ${unreadable(path!, error)}`);
  }
}

type List = Pick<Membership, 'servers' | 'wrong' | 'look'>;

/** The servers, by either parameter. @throws {ConfigurationError} */
async function listOf({ parameters, log, metrics }: AmbassadorKit, plane: () => ShardPlane): Promise<List> {
  const { SERVERS: servers, SERVERS_FILE: file, AMBASSADOR_STATE: state } = parameters;
  if (file !== undefined && (servers !== undefined || parameters.ON_FAILURE === 'eject'))
    throw wrong(
      'conflict',
      `SERVERS_FILE does not go with ${servers === undefined ? 'ON_FAILURE=eject, which leaves keys where they do not belong' : 'SERVERS: keep one'}`,
    );
  if (servers !== undefined) return { servers: servers.map(memberOf), wrong: undefined, look: async () => {} };
  if (file === undefined)
    throw wrong('missing', 'neither SERVERS nor SERVERS_FILE is set; AMBASSADOR_MODE=shard requires one');
  try {
    return await Membership.open({
      file,
      state,
      log,
      onDamaged: () => metrics.ambassador_state_damaged_total.inc({ kind: 'servers' }),
      check: (each) => plane().check(each),
      change: (each) => plane().change(each),
    });
  } catch (error) {
    throw wrong('unreadable', `SERVERS_FILE and AMBASSADOR_STATE: ${(error as Error).message}`);
  }
}

const wrong = (reason: 'missing' | 'conflict' | 'unreadable', message: string): ConfigurationError =>
  new ConfigurationError([{ parameter: 'SERVERS', reason, message }]);
