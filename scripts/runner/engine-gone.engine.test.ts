/**
 * An engine that dies half way. The user's engine is never touched: the runner is given a socket of
 * the test's own that leads to it, and that socket goes away.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../lib/engine.ts';
import type { RunEvent } from './events.ts';
import { start } from './fixtures/program.ts';
import { leftovers } from './tear-down.ts';

const test = suite('engine-gone');

const dir = mkdtempSync(join(tmpdir(), 'engine-'));
const path = join(dir, 'docker.sock');

/** A socket that leads to the engine until it is cut. */
async function lead(): Promise<{ cut(): Promise<void> }> {
  const host = await docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']);
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    // `docker exec` closes its own half of the connection first.
    const engine = connect({ path: host.replace(/^unix:\/\//, ''), allowHalfOpen: true });
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    client.pipe(engine).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    cut: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const env = { DOCKER_HOST: `unix://${path}`, DOCKER_BUILDKIT: '1' };

for (const [stack, within] of [
  ['hanging', (event: RunEvent) => event.event === 'obligation'],
  ['slow-up', (event: RunEvent) => event.event === 'phase' && event.phase === 'up'],
] as const) {
  test(`an engine that dies during ${stack} is named, and the next run removes what is left`, async () => {
    const engine = await lead();
    const running = start('stack', [stack, '--timeout', '4', '--json'], env);
    await running.seen(within);
    await engine.cut();
    const { code, results } = await running.ended;
    assert.is(code, 1);
    const reasons = results[0]!.failures.map((failure) => failure.reason);
    assert.is(reasons[0], 'engine-gone', reasons.join(', '));
    assert.ok(reasons.includes('teardown'), reasons.join(', '));
    assert.match(results[0]!.failures.at(-1)!.message, /the next run removes it/);

    const back = await lead();
    const next = await start('stack', ['good', '--json'], env).ended;
    await back.cut();
    assert.is(next.code, 0, next.stderr + JSON.stringify(next.results));
    assert.equal(await leftovers(results[0]!.run), []);
  });
}

test.after(() => rmSync(dir, { recursive: true }));

test.run();
