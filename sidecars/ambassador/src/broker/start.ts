/** The broker mode: which server the application gets is said in a file, and may change at any time. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { accessLog } from '#proxy/filters/access-log.ts';
import type { AmbassadorKit } from '../kit.ts';
import { patienceOf, proxyStats, tracingOf } from '../plane-parts.ts';
import { Broker } from './broker.ts';
import { BrokerFile } from './file.ts';

/** From one look at the services to the next, in milliseconds. */
const LOOK = 500;
/** Missed polls of the file after which it counts as unwatched. */
const MISSED = 3;
/** A busy machine's own, in milliseconds. */
const SLACK = 5000;

/** Serve the application; started once a file could be used. @throws {ConfigurationError} without BROKER_FILE */
export async function startBroker(kit: AmbassadorKit): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown, beforeMetrics } = kit;
  if (parameters.BROKER_FILE === undefined)
    throw new ConfigurationError([
      {
        parameter: 'BROKER_FILE',
        reason: 'missing',
        message: 'BROKER_FILE is not set; AMBASSADOR_MODE=broker requires it: the path of a file',
      },
    ]);
  const servers = readiness.check('servers', 5 * LOOK + SLACK);
  const tracing = tracingOf(kit);
  const broker = new Broker(
    {
      address: parameters.AMBASSADOR_ADDRESS,
      maxClients: parameters.AMBASSADOR_MAX_CLIENTS,
      wait: parameters.BROKER_WAIT,
      log,
      stats: proxyStats(metrics),
      tracing: tracing.filters,
      accessLog: accessLog(kit),
      onTry: (server) => metrics.requests.inc({ server }),
      onAnswer: (server) => metrics.responses.inc({ server }),
      onUnanswered: () => metrics.forward_error.inc(),
      onDrained: (service, moment) => metrics.broker_drained.inc({ service, moment }),
    },
    (service) => metrics.broker_moves.inc({ service }),
  );
  const file = new BrokerFile({
    path: parameters.BROKER_FILE,
    poll: parameters.BROKER_POLL,
    check: readiness.check('file', MISSED * parameters.BROKER_POLL + SLACK),
    log,
    onServices: (services) => broker.apply(services),
    onRefused: () => metrics.broker_file_refused.inc(),
  });
  const look = (): void => (broker.wrong === undefined ? servers.pass() : servers.fail(broker.wrong));
  const timer = setInterval(look, LOOK);
  look();
  beforeMetrics(() => {
    metrics.broker_connections.reset();
    metrics.broker_requests.reset();
    for (const service of broker) {
      const { connections, requests } = service.underWay();
      for (const [server, count] of connections)
        metrics.broker_connections.inc({ service: service.name, server }, count);
      for (const [server, count] of requests) metrics.broker_requests.inc({ service: service.name, server }, count);
    }
  });
  shutdown.step('drain', async () => {
    clearInterval(timer);
    file.close();
    await broker.drain(patienceOf(parameters.SHUTDOWN_TIMEOUT));
    await tracing.close();
  });
  await file.start();
}
