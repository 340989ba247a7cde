/** What happens while the engine is being looked at is not missed. */
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { EngineApi } from '../../scripts/lib/engine-api.ts';
import { Cluster } from './cluster.ts';

/** An engine that answers a path with JSON, and whose events are written by the test. */
async function fakeEngine(answer: (path: string, response: ServerResponse, events: ServerResponse) => void): Promise<{
  readonly socketPath: string;
  close(): void;
}> {
  const socketPath = join(temporaryDirectory('engine'), 'docker.sock');
  let events: ServerResponse | undefined;
  const engine = createServer((request, response) => {
    if (request.url!.includes('/events')) {
      response.writeHead(200).flushHeaders();
      events = response;
    } else answer(request.url!, response, events!);
  });
  engine.listen(socketPath);
  await once(engine, 'listening');
  return {
    socketPath,
    close() {
      engine.closeAllConnections();
      engine.close();
    },
  };
}

test('an event that comes during a look is looked at', async () => {
  let looks = 0;
  const engine = await fakeEngine((_, response, events) => {
    looks += 1;
    // The look is under way: something happens, and the list says so only to the next.
    if (looks === 1)
      events.write('{"Type":"container","Action":"start"}\n', () => setTimeout(() => response.end('[]'), 200));
    else response.end('[]');
  });
  const over = new AbortController();
  const cluster = new Cluster({ changed: () => {}, find: () => Promise.resolve(new EngineApi(engine)) });
  const run = cluster.run(over.signal);
  await eventually('it looks again', () => looks >= 2, { within: 20_000 });
  assert.is(cluster.document().engine.state, 'up');
  over.abort();
  await run;
  engine.close();
});

test('namespaces that could not be read are read again soon, without an event', async () => {
  const labels = { 'com.docker.compose.project': 'p', 'dev.sidecar-stacks.stack': 's' };
  const container = {
    Id: 'one',
    Name: '/one',
    RestartCount: 0,
    State: { Status: 'running', Running: true, Paused: false, ExitCode: 0, Pid: 7, StartedAt: 'now' },
    Config: { Image: '', Env: [], Labels: labels },
    HostConfig: { NetworkMode: 'p', PidMode: '', IpcMode: '', NanoCpus: 0, CpuQuota: 0, RestartPolicy: { Name: 'no' } },
    Mounts: [],
    NetworkSettings: { Ports: {}, Networks: {} },
  };
  const engine = await fakeEngine((path, response) =>
    response.end(JSON.stringify(path.includes('/one/') ? container : [{ Id: 'one', Names: ['/one'], Labels: labels }])),
  );
  const over = new AbortController();
  let reads = 0;
  const cluster = new Cluster({
    changed: () => {},
    find: () => Promise.resolve(new EngineApi(engine)),
    namespaces: async () => {
      reads += 1;
      if (reads === 1) throw new Error('the process had just ended');
      return new Map(reads === 2 ? [] : [['one', { net: 'net:[1]' }]]);
    },
  });
  const run = cluster.run(over.signal);
  await eventually('they are read', () => reads >= 3, { within: 20_000 });
  over.abort();
  await run;
  engine.close();
});

test.run();
