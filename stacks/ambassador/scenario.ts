/** What the ambassador stack must do: its obligations, in order. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { shardObligations } from './obligations/shard.ts';

const stack = scenario(import.meta.url);

// Each mode has services of its own, so that they are looked at side by side.
shardObligations(stack.lane('shard'));

stack.run();
