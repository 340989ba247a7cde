import { chalk } from 'zx/core';
import { EngineError } from './lib/engine.ts';
import { catchSignals } from './lib/interrupt.ts';
import { readFlags } from './lib/arguments.ts';
import { type Finding, formatFindings, wrap } from './lib/findings.ts';
import { SetupError } from './setup/lib/setup-error.ts';
import { buildSidecars } from './setup/sidecars.ts';
import { setup, type SetupResult } from './setup/setup.ts';

const HELP = `usage: make setup  |  npm run setup

Makes this machine ready for the stacks: a container engine with its compose
plugin, the base images, the sidecars and their images. Safe to repeat: what is there is
not touched.

An engine that answers is used as it is. Where there is none, on Debian and
Ubuntu as root, it is installed from the distribution's packages and started;
elsewhere you are told what to install.

Environment
  SETUP_ENGINE=no   never install or start an engine
  DOCKER_HOST       use the engine there; nothing is ever installed for it

Exit code
  0 ready   1 a step failed   2 something has to be installed by you first
`;

readFlags(HELP);
process.exitCode = await main();

async function main(): Promise<number> {
  const interrupt = catchSignals(() => console.error('  Stopping; once more to stop at once'));
  try {
    const result = await setup({ say: (line) => console.log(item(chalk.dim('·'), line)), signal: interrupt.signal });
    const sidecars = await buildSidecars(interrupt.signal);
    console.log(formatFindings(summarize(result, sidecars)).join('\n'));
    console.log(`  Ready after ${(performance.now() / 1000).toFixed(1)} s`);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode() ?? 1;
    if (error instanceof SetupError) {
      console.error([item(chalk.red('✗'), error.message), ...error.advice.map((line) => `    ${line}`)].join('\n'));
      return error.exitCode;
    }
    if (error instanceof EngineError) {
      console.error(item(chalk.red('✗'), error.message));
      return 1;
    }
    throw error;
  }
}

/** A sign and a text, continued under its beginning. */
function item(sign: string, text: string): string {
  return `  ${sign} ${wrap(text, 76).join('\n    ')}`;
}

function summarize({ engine, images, bundles, clone }: SetupResult, sidecars: readonly string[]): Finding[] {
  const written = bundles.filter((one) => one.written).length;
  const counts = (['present', 'pulled', 'built'] as const)
    .map((how) => [how, images.filter((image) => image.how === how).length] as const)
    .filter(([, count]) => count > 0);
  return [
    { mark: 'ok', name: 'engine', text: `${engine.version}, compose ${engine.compose}, ${engine.host}` },
    { mark: 'ok', name: 'base images', text: counts.map(([how, count]) => `${count} ${how}`).join(', ') },
    {
      mark: 'ok',
      name: 'bundles',
      text: `${bundles.length}, ${written === 0 ? 'none changed' : `${written} written`}`,
    },
    { mark: 'ok', name: 'sidecars', text: `${sidecars.join(', ')}, tagged ${process.env['IMAGE_TAG'] ?? 'dev'}` },
    ...(clone.other === undefined
      ? []
      : [
          {
            mark: 'note' as const,
            name: 'images',
            text: `are tagged ${process.env['IMAGE_TAG']} here: ${clone.other} has the plain names. Before docker compose by hand: eval "$(npm run -s names)"`,
          },
        ]),
  ];
}
