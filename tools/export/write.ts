/** Writing an export into a folder: its own files anew, and nothing else. */
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Refusal } from '../bundled/refusal.ts';
import { requireNoLinks, writeNew } from '../files/write.ts';
import { MARK } from './files.ts';
import type { File } from './options.ts';

/**
 * @param to the folder of the export; made where it is not there
 * @param root the folder that the command was called in, or the project's: below it no folder may be a link
 * @returns how many files were left as they are
 * @throws {Refusal} for a folder that is a link, and for a file in its way that no export wrote
 */
export function writeExport(files: readonly File[], to: string, root: string): number {
  const there = new Set(files.filter(({ yours }) => yours).map(({ path }) => partOf(path)));
  for (const part of there) if (!existsSync(join(to, part))) there.delete(part);
  const written = files.filter(({ path, yours }) => !(yours && there.has(partOf(path))));
  const ignored = files.filter(({ secret }) => secret).map(({ path }) => path);
  for (const folder of new Set([...files.map(({ path }) => dirname(path)), '.']))
    requireNoLinks(root, join(to, folder));
  for (const { path, yours } of written)
    if (!yours && isStrange(join(to, path)))
      throw new Refusal(
        'not-ours',
        `${path} was not written by export, and is left alone: take another folder (--output DIR)`,
      );
  for (const { path, text, secret } of written) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeNew(join(to, path), text, secret ? 0o600 : 0o644);
  }
  const now = new Set(files.map(({ path }) => path));
  for (const name of readdirSync(join(to, 'base'))) {
    const file = join(to, 'base', name);
    if (!now.has(`base/${name}`) && isOurs(file)) rmSync(file);
  }
  const ignore = join(to, 'base/.gitignore');
  if (ignored.length > 0 && !isStrange(ignore))
    writeNew(ignore, `# ${MARK}\n${ignored.map((path) => path.replace('base/', '')).join('\n')}\n`);
  return files.length - written.length;
}

/** The overlay, or the component, that a file belongs to: `overlays/cluster`. */
const partOf = (path: string): string => path.split('/').slice(0, 2).join('/');

/** Something is there, and no export wrote it; a link is nobody's, and is replaced. */
function isStrange(file: string): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isSymbolicLink() && !isOurs(file);
}

function isOurs(file: string): boolean {
  if (!lstatSync(file).isFile()) return false;
  const first = `# ${MARK}`;
  const start = Buffer.alloc(Buffer.byteLength(first));
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, start);
  } finally {
    closeSync(descriptor);
  }
  return start.toString() === first;
}
