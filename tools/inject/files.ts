/** The compose files of a project as docker compose would find them, and where the injected file goes. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { COMPOSE_NAMES, OVERRIDE_NAMES } from '../compose/file-names.ts';
import { isFile } from '../compose/project.ts';
import { Refusal } from '../bundled/refusal.ts';

/** Beside the project's first file. */
export const INJECTED = 'compose.sidecars.yaml';

type Environment = Readonly<Record<string, string | undefined>>;

export const isInjected = (file: string): boolean => basename(file) === INJECTED;

/**
 * The files of a project without the injected one, absolute or relative to the folder as they were said.
 * @param said files of the command line; empty for what the folder holds
 * @throws {Refusal} when there is none
 */
export function composeFiles(folder: string, said: readonly string[], environment: Environment): string[] {
  const own = allFiles(folder, said, environment).filter((file) => !isInjected(file));
  return own.length > 0 || said.length > 0 ? own : foundIn(folder);
}

/**
 * The files of a project as docker compose takes them: the injected one where it is named.
 * @param said as of `composeFiles`
 * @throws {Refusal} when there is none
 */
export function allFiles(folder: string, said: readonly string[], environment: Environment): string[] {
  if (said.length > 0) {
    const missing = said.find((file) => !isFile(join(folder, file)) && !isFile(file));
    if (missing !== undefined) throw new Refusal('no-file', `there is no file ${missing}`);
    return [...said];
  }
  const named = environment['COMPOSE_FILE'] ?? dotenvOf(folder)['COMPOSE_FILE'] ?? '';
  const separator = environment['COMPOSE_PATH_SEPARATOR'] ?? (process.platform === 'win32' ? ';' : ':');
  const files = named.split(separator).filter((file) => file !== '');
  return files.length > 0 ? files : foundIn(folder);
}

function foundIn(folder: string): string[] {
  // As compose does, the folders above are looked into too.
  for (let at = folder; ; at = dirname(at)) {
    const main = COMPOSE_NAMES.find((name) => existsSync(join(at, name)));
    if (main === undefined && dirname(at) !== at) continue;
    if (main === undefined)
      throw new Refusal('no-file', `there is no compose file here (${COMPOSE_NAMES.join(', ')}); name one with --file`);
    // Compose lays an override over its default file only while nobody names files: so it is named here.
    const override = OVERRIDE_NAMES.find((name) => existsSync(join(at, name)));
    return [main, ...(override === undefined ? [] : [override])].map((name) => relative(folder, join(at, name)));
  }
}

function dotenvOf(folder: string): Record<string, string> {
  const path = join(folder, '.env');
  return isFile(path) ? parseDotenv(readFileSync(path)) : {};
}
