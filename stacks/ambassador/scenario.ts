/** What the ambassador stack must do: its obligations, in order. */
import { lasting } from '../../scripts/lib/lasting.ts';
import { scenario } from '../../scripts/scenario/scenario.ts';
import * as assert from 'uvu/assert';
import { adapterObligations } from './obligations/adapter.ts';
import { brokerObligations } from './obligations/broker.ts';
import { faultObligations } from './obligations/faults.ts';
import { growthObligations } from './obligations/growth.ts';
import { placingObligations } from './obligations/placing.ts';
import { protocolObligations } from './obligations/protocol.ts';
import { shardObligations } from './obligations/shard.ts';
import { splitObligations } from './obligations/split.ts';

const stack = scenario(import.meta.url);

// Each mode has services of its own, so that they are looked at side by side.
const shard = stack.lane('shard');
shardObligations(shard);
placingObligations(shard);
protocolObligations(shard);
faultObligations(shard);
growthObligations(stack.lane('growth'));
adapterObligations(stack.lane('adapter'));
brokerObligations(stack.lane('broker'));
splitObligations(stack.lane('split'));

stack.must(
  'change nothing at a second `docker compose up`',
  { say: 'A second up changes nothing.', needs: 'compose', within: 120_000 },
  async ({ project }) => {
    const before = await lasting(project);
    await project.up();
    assert.equal(await lasting(project), before);
  },
);

stack.run();
