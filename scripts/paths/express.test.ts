/** Rules about paths, compared with Express: its routes, and its server of files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { compareWith, somePaths } from './rules.ts';

const express = createRequire(import.meta.url)('express');
const NAMES = ['admin', 'büro', 'a b', 'x:y@z', 'new'];
const servers: Server[] = [];
const PATHS = somePaths(1, 3000);

async function listen(app: any): Promise<number> {
  const server: Server = app.listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}
test.after(() => servers.forEach((server) => server.close()));

test('Express: a path that reaches a forbidden route is refused by rules of auth and mesh', async () => {
  const routes = express();
  for (const name of NAMES)
    routes.use(`/${encodeURI(name).replace(':', '\\:')}`, (_: unknown, response: any) =>
      response.send(`forbidden /${name}`),
    );
  // An application may go by its decoded parameters instead.
  routes.get(['/:first', '/:first/*rest'], ({ params }: any, response: any, next: () => void) =>
    NAMES.includes(params.first) ? response.send(`forbidden /${params.first}`) : next(),
  );
  routes.use((_error: unknown, _request: unknown, response: any, _next: unknown) => response.status(400).send('bad'));
  assert.equal(await compareWith('127.0.0.1', await listen(routes), PATHS), []);
});

test('express.static: a path that reaches a forbidden file is refused by rules of auth and mesh', async () => {
  const root = temporaryDirectory('express');
  for (const name of NAMES) {
    mkdirSync(join(root, name, 'a'), { recursive: true });
    for (const file of ['index.html', 'a/b']) writeFileSync(join(root, name, file), `forbidden /${name}`);
  }
  mkdirSync(join(root, 'public'));
  assert.equal(await compareWith('127.0.0.1', await listen(express().use(express.static(root))), PATHS), []);
});

test.run();
