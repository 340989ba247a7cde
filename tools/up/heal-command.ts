/** `heal`: stranded members of pods join them again. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CommandError } from '#kit/process/command.ts';
import { EXIT_FOUND, EXIT_OK, Usage, type CommandContext } from '../command/command.ts';
import { writeNew } from '../files/write.ts';
import { command, commandLine, PROJECT } from './common.ts';
import { Compose } from './engine.ts';
import { healing, inspected, take, unitText, type Step } from './heal.ts';
import { recreateByLabels } from './recreate.ts';

const UNIT = '/etc/systemd/system/sidecar-stacks-heal.service';

export const healCommand = command(
  'let stranded containers join their pods again',
  `Find containers that lost the network of the container they joined, after it was
restarted or after a restart of the engine, and let them join it again. What
somebody stopped stays stopped.

usage: sidecar-stacks heal [OPTION…]

${PROJECT}      --all                of every project of this machine
      --dry-run            say what would be done, and do nothing
      --install            do it after each start of the engine: a systemd unit

exit code: 0, 1 when something could not be healed
`,
  'Not healed',
  async (args, context) => {
    const flag = { type: 'boolean', default: false } as const;
    const { values, positionals } = commandLine(args, { all: flag, 'dry-run': flag, install: flag });
    if (positionals.length > 0) throw new Usage(`heal takes no ${positionals[0]}`);
    if (values.install) {
      const own = [process.execPath, resolve(process.argv[1]!), 'heal', '--all'];
      if (!existsSync('/run/systemd/system') || !existsSync(dirname(UNIT))) {
        context.err(`There is no systemd here. Let what starts the engine run after it:\n\n  ${own.join(' ')}\n`);
        return EXIT_FOUND;
      }
      writeNew(UNIT, unitText(own), 0o644);
      context.out(
        `${UNIT} is written. Turn it on:\n\n  systemctl daemon-reload\n  systemctl enable sidecar-stacks-heal\n`,
      );
      return EXIT_OK;
    }
    const compose = values.all ? undefined : await new Compose(values, context).settled();
    const project = await compose?.name();
    const containers = await inspected(project);
    if (containers.length === 0) {
      context.out(`There are no containers${project === undefined ? '' : ` of project ${project}`}.\n`);
      return EXIT_OK;
    }
    const steps = healing(containers);
    if (steps.length === 0) context.out('Every pod is whole.\n');
    let left = 0;
    for (const step of steps) {
      context.out(`${step.action} ${step.name}: ${step.why}\n`);
      if (values['dry-run']) continue;
      try {
        if (step.action === 'recreate') await anew(step, compose, context);
        else await take(step).catch((error: unknown) => insteadOf(step, error, compose, context));
      } catch (error) {
        left++;
        context.err(`  not done: ${reasonOf(error)}\n`);
      }
    }
    return left === 0 ? EXIT_OK : EXIT_FOUND;
  },
);

/** An engine that was killed may keep what belonged to a container, and start it no more: then compose makes another one. */
async function insteadOf(
  step: Step,
  error: unknown,
  compose: Compose | undefined,
  context: CommandContext,
): Promise<void> {
  context.out(`recreate ${step.name}: ${reasonOf(error)}\n`);
  await anew(step, compose, context);
}

/** @param compose with the project's files; without it they are where the container's labels say */
async function anew(step: Step, compose: Compose | undefined, { environment }: CommandContext): Promise<void> {
  if (compose !== undefined) return await compose.recreate(step.service);
  try {
    await recreateByLabels(step, environment);
  } catch (error) {
    throw new Error(`${reasonOf(error)}; in the folder of ${step.project}: npx sidecar-stacks heal`, { cause: error });
  }
}

/** What the engine says first; its command line's own words come after it. */
const reasonOf = (error: unknown): string =>
  (error instanceof CommandError && error.stderr.trim().split('\n')[0]) || (error as Error).message;
