/** Writing into somebody's project: whole files, and nothing through a link that leads out of it. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Refusal } from '../bundled/refusal.ts';

/**
 * Write a file beside its place and rename it: a reader sees the old or the new one, and a link there is replaced.
 * @param mode of the file, less the umask
 */
export function writeNew(path: string, content: string | Buffer, mode = 0o666): void {
  replace(path, content, mode);
}

/**
 * Give a file that may be the user's new content: its mode, its owner and a link to it stay.
 * @param root the project: a link is followed inside of its repository only
 * @throws {Refusal} for a link that leads elsewhere
 */
export function updateFile(path: string, content: string | Buffer, root: string): void {
  const target = targetOf(path, root);
  const before = statSync(target, { throwIfNoEntry: false });
  replace(target, content, 0o666, before);
}

/**
 * The file that a path means: itself, or what it is a link to.
 * @param root the project: a link is followed inside of its repository only
 * @throws {Refusal} for a link that leads elsewhere, or nowhere
 */
export function targetOf(path: string, root: string): string {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  const said = readlinkSync(path);
  const target = existsSync(path) ? realpathSync(path) : undefined;
  if (target === undefined || !isInside(target, realpathSync(repositoryOf(root))))
    throw new Refusal(
      'link',
      `${basename(path)} is a link to ${said}, ${target === undefined ? 'which is not there' : 'outside of the project'}: write to that file yourself, or replace the link by a file`,
    );
  return target;
}

/**
 * @param root a folder that may be trusted to be the one that was named
 * @param path a folder that is to be written into
 * @throws {Refusal} where a folder between them is a link
 */
export function requireNoLinks(root: string, path: string): void {
  if (!isInside(path, root)) return;
  let at = root;
  for (const part of relative(root, path).split(sep)) {
    at = join(at, part);
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw new Refusal(
        'link',
        `${relative(root, at)} is a link to ${readlinkSync(at)}: nothing is written through it`,
      );
  }
}

/** Whether a path is a folder or lies in it. Both absolute. */
export const isInside = (path: string, folder: string): boolean =>
  resolve(path) === resolve(folder) || resolve(path).startsWith(resolve(folder).replace(/\/?$/, sep));

/** The folder that is under version control, or the project's own. */
export function repositoryOf(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return folder;
  }
}

function replace(path: string, content: string | Buffer, mode: number, like?: Stats): void {
  const fresh = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    // Readable by nobody else until it has its mode; a file of this name that is there already is an error.
    writeFileSync(fresh, content, { flag: 'wx', mode: like ? 0o600 : mode });
    if (like && !hasOwner(fresh, like)) writeFileSync(path, content);
    else {
      if (like) chmodSync(fresh, like.mode & 0o7777);
      renameSync(fresh, path);
    }
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** Give a file another one's owner. @returns false where this process may not */
function hasOwner(path: string, { uid, gid }: Stats): boolean {
  const own = statSync(path);
  if (own.uid === uid && own.gid === gid) return true;
  try {
    chownSync(path, uid, gid);
    return true;
  } catch {
    return false;
  }
}
