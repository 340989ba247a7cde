/** A demo looks at all of its ports before anything is built. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';

const test = suite('demo: ports');

const listen = (): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
  });
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** The demo of a stack with two ports, on a machine without an engine. */
function demo(ports: readonly number[], ...args: string[]): { status: number | null; stdout: string } {
  const stacks = temporaryDirectory('stacks');
  mkdirSync(join(stacks, 'shop'));
  writeFileSync(join(stacks, 'shop/compose.yaml'), '# A shop.\nservices: {web: {image: x}}\n');
  writeFileSync(join(stacks, 'shop/.env'), `PUBLISH_A=${ports[0]}\nPUBLISH_B=${ports[1]}\n`);
  const { status, stdout } = spawnSync(process.execPath, ['scripts/demo.ts', 'shop', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 60_000,
    // An engine that is named and does not answer is no reason to install one.
    env: { ...process.env, STACKS_DIR: stacks, DOCKER_HOST: `unix://${stacks}/none.sock` },
  });
  return { status, stdout };
}

test('all ports that are taken are named, with who holds them, before anything is built', async () => {
  const servers = [await listen(), await listen()];
  try {
    const { status, stdout } = demo(servers.map(portOf));
    assert.is(status, 1);
    for (const [at, variable] of ['PUBLISH_A', 'PUBLISH_B'].entries())
      assert.match(
        stdout,
        new RegExp(`Port 127.0.0.1:${portOf(servers[at]!)} is in use by process ${process.pid} .*\\(${variable}\\)`),
      );
    assert.match(stdout, /make demo-shop ARGS="--ports free"\n {2}PUBLISH_A=\d+ PUBLISH_B=\d+ make demo-shop/);
    assert.not.match(stdout, /setup|engine/i);
  } finally {
    for (const server of servers) server.close();
  }
});

test('--ports free takes others instead of those that are taken', async () => {
  const server = await listen();
  try {
    const { stdout } = demo([portOf(server), 1], '--ports', 'free');
    assert.match(stdout, new RegExp(`PUBLISH_A=\\d+ instead of ${portOf(server)}`));
    assert.not.match(stdout, /is in use|PUBLISH_B=/);
  } finally {
    server.close();
  }
});

test.run();
