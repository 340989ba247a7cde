/**
 * Every compose file that a README shows, alone in a folder, after what `make setup` does: as it stands but for its
 * published ports, which are in use while these tests run.
 */
import { globSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';
import { buildSidecars } from '../setup/sidecars.ts';
import { tryExample } from './compose-example.ts';
import { onFreePorts } from './free-example.ts';
import { commandBlocks, unprovenCompose } from './readme-blocks.ts';

const test = suite('compose examples');

/** As a demo that was left up, or a user's web server, holds the ports that examples show. */
const held: Server[] = [];

test.before(async () => {
  await buildSidecars();
  for (const port of shown) {
    const server = createServer().unref();
    // In use already: as good.
    await new Promise<void>((done) => server.once('error', () => done()).listen(port, '127.0.0.1', done));
    held.push(server);
  }
});

test.after(() => held.forEach((server) => void server.close()));

const only = process.argv[2] ?? '';
let count = 0;
const shown = new Set<number>();

for (const file of globSync('{README.md,sidecars/**/*.md,stacks/**/*.md}', {
  cwd: ROOT,
  exclude: ['**/node_modules/**'],
})) {
  const markdown = readFileSync(join(ROOT, file), 'utf8');
  for (const { compose, commands, line } of commandBlocks(markdown)) {
    if (compose === undefined || !file.includes(only)) continue;
    count += 1;
    for (const [, port] of compose.matchAll(/127\.0\.0\.1:(\d+):\d+/g)) shown.add(Number(port));
    test(`${file}:${line}`, async () => {
      assert.is(await tryExample(await onFreePorts({ compose, commands }), new AbortController().signal), undefined);
    });
  }
  test(`${file} shows no compose file that nothing runs`, () => assert.equal(unprovenCompose(markdown), []));
}

test('there are examples', () => assert.ok(count > 0));

test.run();
