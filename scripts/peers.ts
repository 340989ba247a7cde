/** `npm run peers`: build the programs of others that benchmarks and tests here use, and Go builds. */
import { parseArgs } from 'node:util';
import { PEERS, providePeer, type Peer } from './lib/go-program.ts';
import { catchSignals } from './lib/interrupt.ts';

const NAMES = Object.keys(PEERS) as Peer[];
const HELP = `usage: npm run peers [-- NAME...]

Builds programs of others with Go, from the Go module proxy, each by the versions
and checksums of its go.mod and go.sum in scripts/peers, once for every clone.
Tests that need one are skipped by name where it is not built; a benchmark builds
those that it measures.

names: ${NAMES.join(', ')}

Exit code
  0 all are there   1 one cannot be had   2 wrong usage
`;

function wanted(): readonly Peer[] {
  try {
    const { values, positionals } = parseArgs({
      options: { help: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const unknown = positionals.find((name) => !(NAMES as readonly string[]).includes(name));
    if (unknown !== undefined) throw new Error(`there is no ${unknown}`);
    return positionals.length === 0 ? NAMES : (positionals as Peer[]);
  } catch (error) {
    process.stderr.write(`peers: ${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

const peers = wanted();
const { signal, exitCode } = catchSignals(() => {});
try {
  for (const peer of peers) {
    const provided = await providePeer(peer, (line) => console.error(line), { signal });
    if ('path' in provided) console.log(provided.path);
    else {
      console.error(`peers: ${provided.missing}`);
      process.exitCode = 1;
    }
  }
} catch (error) {
  if (signal.aborted) process.exit(exitCode());
  throw error;
}
