/** All drivers keep the one contract that scenarios rest on: the same obligations on compose, podman and a cluster. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipped as skip } from '#kit/testing/skipped.ts';
import { isUp } from '../kubernetes/cluster.ts';
import { docker } from '../lib/engine.ts';
import { start } from '../runner/fixtures/program.ts';

const test = suite('drivers');
const STACKS = { STACKS_DIR: join(import.meta.dirname, 'fixtures') };
const hasCluster = await isUp();
if (!hasCluster) skip('drivers: kubernetes does what a scenario may ask', 'no cluster: npm run kubernetes -- up');

for (const [on, skipped] of [
  ['compose', 0],
  ['podman', 2],
  ...(hasCluster ? ([['kubernetes', 2]] as const) : []),
] as const)
  test(`${on} does what a scenario may ask`, async () => {
    const { code, results, stderr } = await start('stack', ['pair', '--on', on, '--json'], STACKS).ended;
    const [result] = results;
    const states = result?.obligations.map(({ name, state, failure }) => `${state} ${name} ${failure?.detail ?? ''}`);
    assert.is(code, 0, [stderr, ...(states ?? []), JSON.stringify(result?.failures)].join('\n'));
    assert.is(result!.obligations.filter(({ state }) => state === 'skipped').length, skipped, states!.join('\n'));
    for (const { state, reason } of result!.obligations) if (state === 'skipped') assert.ok(reason);
    const filter = ['--filter', `name=${result!.run}`];
    assert.is(await docker(['ps', '--all', '--quiet', ...filter], { timeoutMs: 30_000 }), '', 'nothing is left');
  });

test.run();
