/**
 * What a refusal was made by. A document is not tried again while it, and all that was held against it,
 * stay the same; a corrected schema, check, size or way to tell the application is a new case.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Larger files are known by size and time: a check's program may be a whole runtime. */
const READ_MAX = 1024 * 1024;

/**
 * A name for rules that changes whenever they do.
 * @param rules anything that JSON can hold
 * @param commands programs with arguments; the files that they name count too
 */
export function fingerprintOf(rules: unknown, commands: readonly (readonly string[])[]): string {
  const files = commands.flatMap((argv) => argv.map((word, index) => stateOf(index === 0 ? programOf(word) : word)));
  return createHash('sha256')
    .update(JSON.stringify([rules, files]))
    .digest('hex')
    .slice(0, 16);
}

function programOf(name: string): string {
  if (name.includes('/')) return name;
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile()) ?? name;
}

function stateOf(path: string): string | undefined {
  if (!isAbsolute(path)) return undefined;
  try {
    const { size, mtimeMs } = statSync(path);
    if (size > READ_MAX) return `${size} ${mtimeMs}`;
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    // A directory, or nothing that can be read.
    return undefined;
  }
}
