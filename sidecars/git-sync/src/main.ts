/** The git-sync sidecar's program. */
import { runSidecar } from '#kit/life/sidecar.ts';
import { contract } from './contract.ts';
import { startGitSync } from './git-sync.ts';

await runSidecar(contract, startGitSync);
