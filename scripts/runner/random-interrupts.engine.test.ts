/**
 * Ctrl-C at a random moment of a run whose scenario starts one-off containers that remove themselves:
 * nothing is left, whatever the moment. INTERRUPTS says how many times; the default is a sample.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../lib/engine.ts';
import { start } from './fixtures/program.ts';

const test = suite('random interrupts');

const COUNT = Number(process.env['INTERRUPTS'] ?? 8);
/** Milliseconds after the beginning of a phase, drawn for each round. */
const LATEST = 3000;
const PHASES = ['setup', 'up', 'check', 'check', 'check'];

async function withLabel(): Promise<string[]> {
  const filter = ['--filter', 'label=dev.sidecar-stacks.stack=one-off'];
  const lists = await Promise.all([
    docker(['ps', '--all', ...filter, '--format', 'container {{.Names}}']),
    docker(['network', 'ls', ...filter, '--format', 'network {{.Name}}']),
    docker(['volume', 'ls', ...filter, '--format', 'volume {{.Name}}']),
  ]);
  return lists.flatMap((list) => list.split('\n')).filter((line) => line !== '');
}

test(`${COUNT} interrupts at random moments leave nothing`, async () => {
  const earlier = await withLabel();
  for (let round = 1; round <= COUNT; round++) {
    const after = Math.round(Math.random() * LATEST);
    const phase = PHASES[Math.floor(Math.random() * PHASES.length)];
    const running = start('stack', ['one-off', '--json']);
    await running.seen((event) => event.event === 'phase' && event.phase === phase);
    const timer = setTimeout(() => running.child.kill('SIGINT'), after);
    const { code, results } = await running.ended;
    clearTimeout(timer);
    const what = `round ${round}, SIGINT ${after} ms after ${phase}`;
    assert.equal(
      (await withLabel()).filter((each) => !earlier.includes(each)),
      [],
      what,
    );
    assert.is(code, 130, `${what}: ${JSON.stringify(results.flatMap((each) => each.failures))}`);
  }
});

test.run();
