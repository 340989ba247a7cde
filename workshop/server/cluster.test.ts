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

test('an event that comes during a look is looked at', async () => {
  const socketPath = join(temporaryDirectory('engine'), 'docker.sock');
  let events: ServerResponse | undefined;
  let looks = 0;
  const engine = createServer((request, response) => {
    if (request.url!.includes('/events')) {
      response.writeHead(200).flushHeaders();
      events = response;
      return;
    }
    looks += 1;
    // The look is under way: something happens, and the list says so only to the next.
    if (looks === 1)
      events!.write('{"Type":"container","Action":"start"}\n', () => setTimeout(() => response.end('[]'), 200));
    else response.end('[]');
  });
  engine.listen(socketPath);
  await once(engine, 'listening');
  const over = new AbortController();
  const cluster = new Cluster({ changed: () => {}, find: () => Promise.resolve(new EngineApi({ socketPath })) });
  const run = cluster.run(over.signal);
  await eventually('it looks again', () => looks >= 2, { within: 20_000 });
  assert.is(cluster.document().engine.state, 'up');
  over.abort();
  await run;
  engine.closeAllConnections();
  engine.close();
});

test.run();
