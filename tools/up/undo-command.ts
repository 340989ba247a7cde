/** `undo`: what was written is taken away, and the images that were built of it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '#kit/process/command.ts';
import { EXIT_OK } from '../command/command.ts';
import { docker } from '../command/docker.ts';
import { Refusal } from '../bundled/refusal.ts';
import { BUILDS } from '../inject/images.ts';
import { apply, planRemoval } from '../inject/inject.ts';
import { command, commandLine, PROJECT, targetOf } from './common.ts';
import { Compose } from './engine.ts';

export const undoCommand = command(
  'take compose.sidecars.yaml back',
  `Take back what up and inject wrote: the project is as it was, byte for byte.
Images that were built of it are removed where no container has them.

usage: sidecar-stacks undo [OPTION…]

${PROJECT}`,
  'Not taken back',
  async (args, context) => {
    const { values } = commandLine(args, {});
    const plan = planRemoval(targetOf(values, context));
    const written = existsSync(plan.path) || existsSync(join(dirname(plan.path), BUILDS));
    const compose = new Compose(values, context);
    const images = written ? await builtImages(compose) : [];
    apply(plan, { writeEnv: false });
    if (!written) {
      context.out('There was nothing to take back.\n');
      return EXIT_OK;
    }
    context.out(
      `Taken back. What still runs with sidecars goes on without by:\n\n  ${compose.line('up', '--detach', '--remove-orphans')}\n`,
    );
    const used = await remove(images);
    if (used.length > 0)
      context.out(`\nContainers still have images of sidecars. Later:\n\n  docker image rm ${used.join(' ')}\n`);
    return EXIT_OK;
  },
);

/** Names of the images of a project's sidecars, those of earlier files too; none where docker does not answer. */
async function builtImages(compose: Compose): Promise<string[]> {
  try {
    const own = `label=com.docker.compose.project=${await compose.name()}`;
    const filters = ['--filter', own, '--filter', 'reference=sidecar-stacks/*:*-*.*'];
    const names = await docker(['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', ...filters]);
    return names === '' ? [] : names.split('\n');
  } catch (error) {
    // Files are taken back without it.
    if (!(error instanceof Refusal) && !(error instanceof CommandError)) throw error;
    return [];
  }
}

/** @returns the images that containers have */
async function remove(images: readonly string[]): Promise<string[]> {
  const used: string[] = [];
  for (const image of images)
    try {
      await docker(['image', 'rm', image]);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (/conflict/i.test(error.stderr)) used.push(image);
    }
  return used;
}
