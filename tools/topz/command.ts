/** `topz CONTAINER`: the processes of a container that runs, in a browser or as text. */
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { CommandError } from '#kit/process/command.ts';
import { buildFolder } from '../bundled/build-folder.ts';
import { imageName } from '../bundled/container-spec.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { EXIT_FOUND, EXIT_OK, printable, Usage, type Command, type CommandContext } from '../command/command.ts';
import { buildImage } from '../command/docker.ts';
import { findContainer, listContainers, NotFound } from '../debug/find-container.ts';
import { readText, startLook } from './look.ts';

const HELP = `Show the processes of a container that is already running, of a compose project
or not. Nothing of it is changed: topz starts beside it, shares its processes,
and is removed at the end.

usage: sidecar-stacks topz CONTAINER [OPTION…]

  CONTAINER      its name or id, the beginning of its id, its compose service, or
                 a part of its name
  --text         one look as text, then leave
  --image IMAGE  of topz, which is there (default: it is built, once)
  --help

exit code: 0 when it was shown, 1 when not, 2 for a wrong command line,
128 + n after signal n
`;

function commandLine(args: readonly string[]): { wanted: string; text: boolean; image: string | undefined } {
  let parsed;
  try {
    const options = { text: { type: 'boolean', default: false }, image: { type: 'string' } } as const;
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (positionals.length !== 1) throw new Usage('topz takes one container. Which? See: docker ps');
  return { wanted: positionals[0]!, text: values.text, image: values.image };
}

export const topzCommand: Command = {
  summary: 'show the processes of a container that runs',
  help: () => HELP,
  async run(args, context) {
    const stop = new AbortController();
    let ended: number | undefined;
    const end = (signal: NodeJS.Signals): void => {
      ended ??= 128 + constants.signals[signal];
      stop.abort();
    };
    for (const signal of SIGNALS) process.on(signal, end);
    try {
      const code = await runTopz(args, context, stop.signal);
      return ended ?? code;
    } finally {
      for (const signal of SIGNALS) process.off(signal, end);
    }
  },
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * @param args the command line after `topz`
 * @param signal ends it, and removes what was started
 * @returns the exit code
 * @throws {Usage} for a wrong command line
 */
export async function runTopz(args: readonly string[], context: CommandContext, signal: AbortSignal): Promise<number> {
  const request = commandLine(args);
  try {
    return await show(request, context, signal);
  } catch (error) {
    if (signal.aborted) return EXIT_FOUND;
    if (!(error instanceof NotFound || error instanceof CommandError)) throw error;
    const said = error instanceof CommandError ? error.stderr.trim() || error.message : error.message;
    context.err(`topz: ${said}\n`);
    return EXIT_FOUND;
  }
}

async function show(
  { wanted, text, image }: ReturnType<typeof commandLine>,
  context: CommandContext,
  signal: AbortSignal,
): Promise<number> {
  const known = await listContainers({ environment: context.environment, signal });
  const target = findContainer(wanted, known);
  const look = await startLook(image ?? (await builtImage(context)), target, known, signal);
  try {
    if (text) {
      context.out(await readText(look.url, process.stdout.isTTY ? process.stdout.columns : undefined, signal));
      return EXIT_OK;
    }
    context.out(`${look.url} shows ${printable(target.name)}. Ctrl-C ends it.\n`);
    await look.ended;
    if (!signal.aborted) context.err(`${printable(target.name)} has ended, and topz with it.\n`);
    return EXIT_OK;
  } finally {
    await look.remove();
  }
}

/** @throws {CommandError} where it cannot be built, {NotFound} without its bundle */
async function builtImage(context: CommandContext): Promise<string> {
  const folder = buildFolder('topz');
  if (folder === undefined) throw new NotFound('its bundle is not here; in a checkout, run make setup first');
  const image = imageName(SIDECARS['topz']!.contract);
  await buildImage({ image, folder, base: 'SIDECAR_BASE' }, context);
  return image;
}
