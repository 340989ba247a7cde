/** `npm run -s names`: the names that this clone has on the engine, as lines for a shell. */
import { readFlags } from './lib/arguments.ts';
import { thisClone } from './lib/clone.ts';
import { EngineError } from './lib/engine.ts';

const HELP = `usage: eval "$(npm run -s names)"

Says which names plain \`docker compose\` has to use in this clone. The first clone
of an engine has the plain ones; each other clone has its own, so that nobody
shows or removes the containers of another.

Exit code
  0 said   1 no engine answers   2 wrong usage
`;

readFlags(HELP);
try {
  const { suffix } = await thisClone();
  console.log(`export IMAGE_TAG=${process.env['IMAGE_TAG']} CLONE=${suffix}`);
} catch (error) {
  if (!(error instanceof EngineError)) throw error;
  console.error(`names: ${error.message}`);
  process.exitCode = 1;
}
