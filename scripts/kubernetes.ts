/** `npm run kubernetes`: build the API server that `npm test` then checks the export with. */
import { readFlags } from './lib/arguments.ts';
import { catchSignals } from './lib/interrupt.ts';
import { FOLDER, KUBERNETES } from './kubernetes/binaries.ts';
import { build, BuildError } from './kubernetes/build.ts';

const HELP = `usage: npm run kubernetes

Builds etcd and the API server of Kubernetes ${KUBERNETES} with Go, from the Go module
proxy, into ${FOLDER}.
Once, for every clone: minutes, and about 2 GB of Go's caches while it builds.
Tests that need them are skipped by name where they are not there.

Exit code
  0 they are there   1 they cannot be built   2 wrong usage
`;

readFlags(HELP);
const { signal, exitCode } = catchSignals(() => {});
try {
  await build((line) => console.error(line), signal);
} catch (error) {
  if (signal.aborted) process.exit(exitCode());
  if (!(error instanceof BuildError)) throw error;
  console.error(`kubernetes: ${error.message}`);
  process.exitCode = 1;
}
