/** Every compose file that a README shows, as it stands, alone in a folder, after what `make setup` does. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';
import { buildSidecars } from '../setup/sidecars.ts';
import { tryExample } from './compose-example.ts';
import { commandBlocks, unprovenCompose } from './readme-blocks.ts';

const test = suite('compose examples');

test.before(async () => void (await buildSidecars()));

const only = process.argv[2] ?? '';
let count = 0;

for (const file of globSync('{README.md,sidecars/**/*.md,stacks/**/*.md}', {
  cwd: ROOT,
  exclude: ['**/node_modules/**'],
})) {
  const markdown = readFileSync(join(ROOT, file), 'utf8');
  for (const { compose, commands, line } of commandBlocks(markdown)) {
    if (compose === undefined || !file.includes(only)) continue;
    count += 1;
    test(`${file}:${line}`, async () => {
      assert.is(await tryExample(compose, commands, new AbortController().signal), undefined);
    });
  }
  test(`${file} shows no compose file that nothing runs`, () => assert.equal(unprovenCompose(markdown), []));
}

test('there are examples', () => assert.ok(count > 0));

test.run();
