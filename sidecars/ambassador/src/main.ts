/** The ambassador sidecar's program: one mode of several. */
import { giveBackAfterStart } from '#kit/life/memory.ts';
import { runSidecar } from '#kit/life/sidecar.ts';
import { collectUnderPressure } from '#proxy/memory/pressure.ts';
import { startBroker } from './broker/start.ts';
import { contract } from './contract.ts';
import type { AmbassadorKit } from './kit.ts';
import { startShard } from './shard/start.ts';
import { startSplit } from './split/start.ts';

const MODES: Readonly<Record<string, (kit: AmbassadorKit, version: string) => Promise<void>>> = {
  shard: startShard,
  broker: startBroker,
  split: startSplit,
};

await runSidecar(contract, (kit) => MODES[kit.parameters.AMBASSADOR_MODE]!(kit, contract.version));
collectUnderPressure();
giveBackAfterStart();
