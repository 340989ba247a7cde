/** What the commands on a project share. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { Usage, type Command, type CommandContext } from '../command/command.ts';
import { refused } from '../command/refused.ts';
import type { Target } from '../inject/inject.ts';
import type { ProjectFlags } from './engine.ts';

/** Options that name a project, as help lists them. */
export const PROJECT = `  -f, --file FILE          its compose files (default: as docker compose)
  -p, --project-name NAME  as with docker compose
      --profile PROFILE    as with docker compose; again for each
`;

const FLAGS = {
  file: { type: 'string', multiple: true, short: 'f' },
  'project-name': { type: 'string', short: 'p' },
  profile: { type: 'string', multiple: true },
} as const;

/** @throws {Usage} for what is not accepted */
export function commandLine<T extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options: { ...FLAGS, ...options }, allowPositionals: true });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

/** The project that is meant. */
export const targetOf = ({ file = [] }: ProjectFlags, { folder, environment }: CommandContext): Target => ({
  folder,
  files: file,
  environment,
});

/** A command whose refusals are told to people. */
export const command = (
  summary: string,
  help: string,
  what: string,
  run: (args: readonly string[], context: CommandContext) => Promise<number>,
): Command => ({
  summary,
  help: () => help,
  run: async (args, context) => {
    try {
      return await run(args, context);
    } catch (error) {
      return refused(what, error, context);
    }
  },
});
