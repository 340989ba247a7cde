/** `workshop`: the course without a clone. The package carries what it is made of; npm brings the rest into its folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT_FOUND, Usage, type Command } from '../command/command.ts';
import { CommandError, runCommand } from '#kit/process/command.ts';

const FOLDER = 'sidecar-workshop';
const UNPACK_MS = 60_000;

const HELP = `Exercises on sidecars that check themselves, with a page that shows the pods live.
The first call writes a folder with all that they need, and installs its packages
there by npm.

usage: sidecar-stacks workshop [--folder DIR] [COMMAND…]

  --folder DIR  where it is, or will be (default: ./${FOLDER})
  COMMAND       such as list, run 1, check 1, language de; without one, the page

sidecar-stacks workshop list shows the exercises; 1, 9, 12, 13, 17 and
20 need no container engine. COMMAND --help is npm run workshop -- --help in the folder.
`;

export const workshopCommand: Command = {
  summary: 'a course with exercises that check themselves',
  help: () => HELP,
  async run(args, { folder: here, out, err }) {
    const { folder, command } = commandLine(args);
    const place = resolve(here, folder);
    if (!existsSync(join(place, 'package.json'))) {
      const archive = fileURLToPath(new URL('workshop.tgz', import.meta.url));
      if (!existsSync(archive)) {
        err('This package carries no workshop. In a clone of the repository: make workshop\n');
        return EXIT_FOUND;
      }
      out(`The workshop is written to ${place}\n`);
      mkdirSync(place, { recursive: true });
      try {
        await runCommand(['tar', '-xzf', archive], { cwd: place, timeout: UNPACK_MS });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        err(`It could not be written: ${error.stderr.trim() || error.message}\n`);
        return EXIT_FOUND;
      }
    }
    // Another npm's settings are not for the one that it calls.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
    const child = spawn(process.execPath, [join(place, 'scripts/run.mjs'), 'workshop', ...command], {
      cwd: place,
      env: { ...env, INIT_CWD: here },
      stdio: 'inherit',
    });
    // Ctrl-C reaches both; the course ends in its own way, and its exit code is ours.
    const wait = (): void => {};
    process.on('SIGINT', wait);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    process.off('SIGINT', wait);
    return code ?? EXIT_FOUND;
  },
};

/** @throws {Usage} */
function commandLine(args: readonly string[]): { folder: string; command: readonly string[] } {
  const [first, ...rest] = args;
  if (first?.startsWith('--folder=')) return { folder: named(first.slice('--folder='.length)), command: rest };
  if (first === '--folder') return { folder: named(rest[0]), command: rest.slice(1) };
  return { folder: FOLDER, command: args };
}

function named(folder: string | undefined): string {
  if (folder === undefined || folder === '') throw new Usage('--folder names a folder');
  return folder;
}
