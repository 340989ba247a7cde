import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GET } from './admin.ts';

for (const address of ['0.0.0.0', '127.0.0.2', '::', '::1'])
  test(`the admin port is asked at ${address} when ADMIN_ADDRESS says so`, async () => {
    const server = createServer((request, response) => response.end(`this is ${request.url}`)).listen(0, address);
    await once(server.unref(), 'listening');
    const env = {
      PATH: process.env['PATH'],
      ADMIN_ADDRESS: address,
      ADMIN_PORT: String((server.address() as AddressInfo).port),
    };
    const { stdout: page } = await promisify(execFile)('bash', ['-c', GET, 'get', '/metrics'], { env });
    assert.match(page, /\r\n\r\nthis is \/metrics$/);
    server.close();
  });

test.run();
