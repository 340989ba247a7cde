/** `npm run topz -- CONTAINER`: look into a container that is already running. */
import { parseArgs } from 'node:util';
import { Project } from './lib/compose.ts';
import { thisClone } from './lib/clone.ts';
import { docker, EngineError } from './lib/engine.ts';
import { buildImages } from './lib/images.ts';
import { catchSignals } from './lib/interrupt.ts';
import { ROOT } from './lib/stacks.ts';
import { SetupError } from './setup/lib/setup-error.ts';
import { setup } from './setup/setup.ts';
import { findContainer, NotFound } from './topz/find-container.ts';
import { listContainers, readText, startLook } from './topz/look.ts';

const HELP = `Show the processes of a container that is already running, of a compose project
or not. Nothing of it is changed: topz starts beside it, shares its processes,
and is removed at the end.

usage: npm run topz -- CONTAINER [options]

  CONTAINER   its name or id, the beginning of its id, its compose service, or
              a part of its name

  --text      one look as text, then leave
  --help

exit code: 0 when it was shown, 1 when not, 2 for a wrong command line,
128 + n after signal n
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { wanted, text } = commandLine();
const { signal, exitCode } = catchSignals(() => {});
process.exitCode = await show().catch((error: unknown) => {
  if (signal.aborted) return 1;
  if (!(error instanceof NotFound || error instanceof EngineError || error instanceof SetupError)) throw error;
  say(`topz: ${error.message}`);
  return 1;
});
process.exit(exitCode() ?? process.exitCode);

async function show(): Promise<number> {
  const known = await listContainers(signal);
  const target = findContainer(wanted, known);
  const look = await startLook(await ensureImage(), target, known, signal);
  try {
    if (text) {
      process.stdout.write(await readText(look.url, process.stdout.isTTY ? process.stdout.columns : undefined, signal));
      return 0;
    }
    process.stdout.write(`${look.url} shows ${target.name}. Ctrl-C ends it.\n`);
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([look.ended, promise]);
    if (signal.aborted) return 0;
    say(`${target.name} has ended, and topz with it.`);
    return 0;
  } finally {
    await look.remove();
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

function commandLine(): { wanted: string; text: boolean } {
  try {
    const options = { text: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArgs({ args: process.argv.slice(2), options, allowPositionals: true });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    if (positionals.length !== 1) throw new Error('Which container? See: docker ps');
    return { wanted: positionals[0]!, text: values.text };
  } catch (error) {
    say(`topz: ${(error as Error).message}\nHelp: npm run topz -- --help`);
    process.exit(2);
  }
}
