/** The log shipper's program. */
import { giveBackAfterStart } from '#kit/life/memory.ts';
import { runSidecar } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { replayCommand } from './delivery/replay.ts';
import { startPipeline } from './pipeline.ts';

const [command, ...rest] = process.argv.slice(2);
if (command === 'replay') process.exit(await replayCommand(rest));
await runSidecar(contract, startPipeline);
giveBackAfterStart();
