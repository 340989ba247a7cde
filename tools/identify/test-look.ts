/** For tests: identify in a folder of these files, and the answer as a reader checks it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import type { Answer } from './model/answer.ts';
import { identify, type IdentifyOptions } from './identify.ts';

/**
 * @param files their text, by path
 * @param paths files and folders that are looked at, unless compose files are named
 */
export function look(
  files: Readonly<Record<string, string>>,
  options: Partial<IdentifyOptions> = {},
  paths: readonly string[] = ['.'],
): Answer {
  const folder = temporaryDirectory('identify');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return identify(options.composeFiles ? [] : paths, { base: folder, environment: {}, ...options });
}

/** `{NAME: 'app', NAME: 'class role'}`, a group each. */
export const members = ({ groups }: Answer): Record<string, string>[] =>
  groups.map(({ containers }) =>
    Object.fromEntries(
      containers.map((member) => [member.name, member.class === 'app' ? 'app' : `${member.class} ${member.role}`]),
    ),
  );
