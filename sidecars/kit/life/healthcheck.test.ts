/** The health check of every image, at every address that ADMIN_ADDRESS can name. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const PROGRAM = join(import.meta.dirname, 'healthcheck.sh');

/** Its exit code and output, as the engine runs it. */
async function check(env: Record<string, string>, ...args: string[]): Promise<{ code: number; out: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string }>();
  const child = execFile('bash', [PROGRAM, ...args], { env: { PATH: process.env['PATH'], ...env } }, (_error, out) =>
    resolve({ code: child.exitCode ?? -1, out }),
  );
  return await promise;
}

for (const address of ['0.0.0.0', '127.0.0.1', '127.0.0.2', '::', '::1', '0:0:0:0:0:0:0:0'])
  test(`an admin port at ${address}`, async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/startupz' ? 200 : 503).end('not ready\n');
    }).listen(0, address);
    await once(server.unref(), 'listening');
    const { port } = server.address() as AddressInfo;
    const env = { ADMIN_ADDRESS: address, ADMIN_PORT: String(port) };
    assert.equal(await check(env, '/startupz'), { code: 0, out: '' });
    assert.equal(await check(env), { code: 1, out: 'not ready\n' });
    server.close();
    assert.is((await check(env)).code, 1);
  });

test('a server at one address is not asked for at another', async () => {
  const server = createServer((_request, response) => response.end()).listen(0, '127.0.0.2');
  await once(server.unref(), 'listening');
  const { port } = server.address() as AddressInfo;
  assert.is((await check({ ADMIN_ADDRESS: '127.0.0.1', ADMIN_PORT: String(port) })).code, 1);
  server.close();
});

test.run();
