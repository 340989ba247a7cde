/** `sidecar-stacks COMMAND`: what works on other people's projects. */
import { identifyCommand } from './identify/command.ts';
import { contractCommand } from './contract/command.ts';
import { debugCommand } from './debug/command.ts';
import { dashboardsCommand } from './dashboards/command.ts';
import { exportCommand } from './export/command.ts';
import { injectCommand } from './inject/command.ts';
import { downCommand, logsCommand, psCommand, upCommand } from './up/command.ts';
import { undoCommand } from './up/undo-command.ts';
import { pluginCommand } from './up/plugin.ts';
import { healCommand } from './up/heal-command.ts';
import { topzCommand } from './topz/command.ts';
import { webhookCommand } from './webhook/command.ts';
import { workshopCommand } from './workshop/command.ts';
import { suggestion } from '#kit/text/suggestion.ts';
import { EXIT_USAGE, Usage, type Command, type CommandContext } from './command/command.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  up: upCommand,
  down: downCommand,
  ps: psCommand,
  logs: logsCommand,
  heal: healCommand,
  undo: undoCommand,
  plugin: pluginCommand,
  identify: identifyCommand,
  inject: injectCommand,
  contract: contractCommand,
  export: exportCommand,
  webhook: webhookCommand,
  debug: debugCommand,
  topz: topzCommand,
  dashboards: dashboardsCommand,
  workshop: workshopCommand,
};

const HELP = `Sidecars for your own compose project or Kubernetes manifests.

usage: sidecar-stacks COMMAND [ARGUMENT…]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join('\n')}

sidecar-stacks COMMAND --help says more.
`;

/**
 * Run one command.
 * @param args the command line without node and script
 * @returns the exit code
 */
export async function main(args: readonly string[], context: CommandContext): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? context.err : context.out)(HELP);
    return name === undefined ? EXIT_USAGE : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    context.err(
      `There is no command "${name}"${suggestion(name, Object.keys(COMMANDS))}. Commands are: ${Object.keys(COMMANDS).join(', ')}\n`,
    );
    return EXIT_USAGE;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    context.out(command.help(rest));
    return 0;
  }
  try {
    return await command.run(rest, context);
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    context.err(`${error.message}\nsidecar-stacks ${name} --help says what is accepted\n`);
    return EXIT_USAGE;
  }
}
