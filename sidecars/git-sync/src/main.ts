/** The git-sync sidecar's program. */
import { runSidecar } from '../../kit/sidecar.ts';
import { contract } from './contract.ts';

await runSidecar(contract, () => {});
