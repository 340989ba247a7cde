/** `npm run topz -- CONTAINER`: the package's command, with this checkout's engine and image. */
import { ofThisProcess, Usage } from '../tools/command/command.ts';
import { runTopz, topzCommand } from '../tools/topz/command.ts';
import { Project } from './lib/compose.ts';
import { thisClone } from './lib/clone.ts';
import { docker, EngineError } from './lib/engine.ts';
import { buildImages } from './lib/images.ts';
import { catchSignals } from './lib/interrupt.ts';
import { ROOT } from './lib/stacks.ts';
import { SetupError } from './setup/lib/setup-error.ts';
import { setup } from './setup/setup.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const args = process.argv.slice(2);
const { signal, exitCode } = catchSignals(() => {});
process.exitCode = await main();
process.exit(exitCode() ?? process.exitCode);

async function main(): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(topzCommand.help([]).replace('sidecar-stacks topz', 'npm run topz --'));
    return 0;
  }
  try {
    return await runTopz(['--image', await ensureImage(), ...args], ofThisProcess(), signal);
  } catch (error) {
    if (signal.aborted) return 1;
    if (!(error instanceof Usage || error instanceof EngineError || error instanceof SetupError)) throw error;
    say(`topz: ${error.message}`);
    return error instanceof Usage ? 2 : 1;
  }
}

/** The image's name, after it was built if it was missing. */
async function ensureImage(): Promise<string> {
  await thisClone();
  const image = `sidecar-stacks/topz:${process.env['IMAGE_TAG'] || 'dev'}`;
  const there = await docker(['images', '--quiet', image], { timeoutMs: 30_000, signal });
  if (there !== '') return image;
  say('Building topz, once');
  await setup({ say, signal });
  await buildImages(new Project({ name: 'sidecar-stacks', dir: ROOT }), ['topz'], { signal });
  return image;
}
