/** What the paas stack must do: code arrives by git push, and nothing bad is ever served. */
import * as assert from 'uvu/assert';
import { lasting } from '../../scripts/lib/lasting.ts';
import { scenario } from '../../scripts/scenario/scenario.ts';
import { faults } from './obligations/faults.ts';
import { answers } from './obligations/answers.ts';
import { kinds } from './obligations/kinds.ts';
import { kills } from './obligations/kills.ts';
import { publish } from './obligations/publish.ts';
import { otherRefs, waysBack } from './obligations/refs.ts';
import { refusals } from './obligations/refusals.ts';
import { becomes, current, release } from './obligations/stage.ts';
import { traffic } from './obligations/traffic.ts';

const { must, run } = scenario(import.meta.url);

publish(must);
answers(must);
kinds(must);
waysBack(must);
traffic(must);
otherRefs(must);
faults(must);
refusals(must);
kills(must);

must(
  'change nothing at a second `docker compose up`',
  {
    say: 'Bringing the stack up a second time changes nothing, and the page is yours: clone, change it, push.',
    needs: 'compose',
  },
  async (stage) => {
    const { project } = stage;
    await release(stage);
    const before = await lasting(project);
    assert.is(before.length, 9);
    await project.up();
    assert.equal(await lasting(project), before);
    await becomes(stage, current());
  },
);

run();
