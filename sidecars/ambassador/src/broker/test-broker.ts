/** The broker in a test's own process. */
import { createLog } from '#kit/telemetry/log.ts';
import { freePort } from '#kit/testing/ports.ts';
import { TestStats } from '#proxy/testing/proxy.ts';
import { Broker } from './broker.ts';
import { readDocument } from './document.ts';

export interface TestBroker extends AsyncDisposable {
  readonly broker: Broker;
  /** The application's port. */
  readonly port: number;
  readonly stats: TestStats;
  readonly drained: string[];
  unanswered: number;
  /** Say where the service goes. @param more lines of the file */
  to(servers: readonly number[], more?: string): Promise<void>;
  /** Connections, or requests, under way at a server. */
  at(server: number): number;
}

/** Start it. @param protocol of its one service */
export async function startBrokerTest(
  protocol: 'tcp' | 'http',
  servers: readonly number[],
  { wait = 30_000, more = '' } = {},
): Promise<TestBroker> {
  const port = await freePort();
  const stats = new TestStats();
  const drained: string[] = [];
  const broker = new Broker(
    {
      address: '127.0.0.1',
      maxClients: 1000,
      wait,
      log: createLog('test', 'silent'),
      stats,
      tracing: [],
      accessLog: [],
      onTry: () => {},
      onAnswer: () => {},
      onUnanswered: () => void test.unanswered++,
      onDrained: (_, moment) => drained.push(moment),
    },
    () => {},
  );
  const test: TestBroker = {
    broker,
    port,
    stats,
    drained,
    unanswered: 0,
    async to(ports, further = more) {
      const list = ports.map((each) => `127.0.0.1:${each}`).join();
      await broker.apply(
        readDocument(
          `services:\n  app:\n    port: ${port}\n    protocol: ${protocol}\n    servers: [${list}]\n    ${further}\n`,
        ),
      );
    },
    at(server) {
      let count = 0;
      for (const service of broker) {
        const { connections, requests } = service.underWay();
        const name = `127.0.0.1:${server}`;
        count += (connections.get(name) ?? 0) + (requests.get(name) ?? 0);
      }
      return count;
    },
    async [Symbol.asyncDispose]() {
      await broker.drain(0);
    },
  };
  await test.to(servers);
  return test;
}
