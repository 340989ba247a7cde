/** A bounded part of every attack suite, with a seed of its own: all attacks, for a second each. `npm run attack` runs longer ones. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runSuite } from './run.ts';
import { suiteNames } from './suite.ts';

/** The machine may be busy: no time is judged. */
const PATIENCE = 60;

const test = suite('attacks');

for (const name of suiteNames())
  test(`${name}: attacks end nothing, fill no memory, and fail no request of others`, async () => {
    const lines: string[] = [];
    const verdicts = await runSuite(name, {
      seed: 1,
      seconds: 1,
      patience: PATIENCE,
      together: true,
      signal: AbortSignal.timeout(300_000),
      progress: (line) => lines.push(line),
    });
    assert.is(verdicts.length, 1);
    assert.equal(verdicts[0]!.faults, [], lines.at(-1));
  });

test.run();
