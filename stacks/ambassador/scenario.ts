/** What the ambassador stack must do: its obligations, in order. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { brokerObligations } from './obligations/broker.ts';
import { shardObligations } from './obligations/shard.ts';
import { splitObligations } from './obligations/split.ts';

const stack = scenario(import.meta.url);

// Each mode has services of its own, so that they are looked at side by side.
shardObligations(stack.lane('shard'));
brokerObligations(stack.lane('broker'));
splitObligations(stack.lane('split'));

stack.run();
