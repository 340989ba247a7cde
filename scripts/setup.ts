import {parseArgs} from 'node:util';
import {chalk} from 'zx';
import {EngineError} from './lib/engine.ts';
import {type Finding, formatFindings, wrap} from './setup/report.ts';
import {SetupError} from './setup/setup-error.ts';
import {setup, type SetupResult} from './setup/setup.ts';

const HELP = `usage: make setup  |  npm run setup

Makes this machine ready for the stacks: a container engine with its compose
plugin, the base images, the bundled sidecars. Safe to repeat: what is there is
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

const EXIT_USAGE = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const {values} = parseArgs({args, options: {help: {type: 'boolean', short: 'h'}}});
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
  } catch (error) {
    console.error(`${(error as Error).message}\nSee --help.`);
    return EXIT_USAGE;
  }
  const stop = new AbortController();
  const signals = {SIGINT: 130, SIGTERM: 143, SIGHUP: 129} as const;
  let stoppedWith = 0;
  for (const [name, code] of Object.entries(signals)) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(code);
      stoppedWith = code;
      console.error('  Stopping at the next safe moment; again to stop at once');
      stop.abort();
    });
  }
  try {
    const result = await setup({say: (line) => console.log(`  ${chalk.dim('·')} ${line}`), signal: stop.signal});
    console.log(formatFindings(summarize(result)).join('\n'));
    console.log(`  Ready after ${(performance.now() / 1000).toFixed(1)} s`);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return stoppedWith;
    if (error instanceof SetupError) {
      console.error([`  ${chalk.red('✗')} ${wrap(error.message, 76).join('\n    ')}`, ...error.advice.map((line) => `    ${line}`)].join('\n'));
      return error.exitCode;
    }
    if (error instanceof EngineError) {
      console.error(`  ${chalk.red('✗')} ${error.message}`);
      return 1;
    }
    throw error;
  } finally {
    for (const name of Object.keys(signals)) process.removeAllListeners(name);
  }
}

function summarize({engine, images, bundles}: SetupResult): Finding[] {
  const written = bundles.filter((one) => one.written).length;
  const counts = (['present', 'pulled', 'built'] as const)
    .map((how) => [how, images.filter((image) => image.how === how).length] as const)
    .filter(([, count]) => count > 0);
  return [
    {mark: 'ok', name: 'engine', text: `${engine.version} with compose ${engine.compose}, at ${engine.host}`},
    {mark: 'ok', name: 'base images', text: counts.map(([how, count]) => `${count} ${how}`).join(', ')},
    {mark: 'ok', name: 'bundles', text: `${bundles.length}, ${written === 0 ? 'none changed' : `${written} written`}`},
  ];
}
