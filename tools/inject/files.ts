/** The compose files of a project as docker compose would find them, and where the injected file goes. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { COMPOSE_NAMES, OVERRIDE_NAMES } from '../compose/file-names.ts';
import { isFile } from '../compose/project.ts';
import { Refusal } from '../bundled/refusal.ts';

/** Beside the project's first file. */
export const INJECTED = 'compose.sidecars.yaml';

/**
 * The files of a project without the injected one, absolute or relative to the folder as they were said.
 * @param said files of the command line; empty for what the folder holds
 * @throws {Refusal} when there is none
 */
export function composeFiles(
  folder: string,
  said: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  if (said.length > 0) {
    const missing = said.find((file) => !isFile(join(folder, file)) && !isFile(file));
    if (missing !== undefined) throw new Refusal('no-file', `there is no file ${missing}`);
    return said.filter((file) => !file.endsWith(INJECTED));
  }
  const named = environment['COMPOSE_FILE'] ?? dotenvOf(folder)['COMPOSE_FILE'];
  const separator = environment['COMPOSE_PATH_SEPARATOR'] ?? (process.platform === 'win32' ? ';' : ':');
  if (named !== undefined && named !== '') {
    const files = named.split(separator).filter((file) => file !== '' && !file.endsWith(INJECTED));
    if (files.length > 0) return files;
  }
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
