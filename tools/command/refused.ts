/** A plan that was refused, as a command says it. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { EXIT_FOUND, printable, type CommandContext } from './command.ts';
import { Refusal } from '../bundled/refusal.ts';

/**
 * @param what did not happen: `Not injected`
 * @returns the exit code; @throws the error where it is another one
 */
export function refused(what: string, error: unknown, { err }: CommandContext): number {
  if (error instanceof Refusal)
    err(`${what} (${error.reason}): ${error.message.split('\n').map(printable).join('\n')}\n`);
  else if (error instanceof ConfigurationError)
    err(`${what}:\n${error.problems.map(({ message }) => `  ${printable(message)}`).join('\n')}\n`);
  else throw error;
  return EXIT_FOUND;
}
