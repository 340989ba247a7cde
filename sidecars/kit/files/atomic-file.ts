/** Files that every reader sees old or new, never half, whenever we are killed. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface PublishOptions {
  /** Permission bits of a file that does not exist yet; one that exists keeps its own unless this says otherwise. */
  readonly mode?: number;
  /** Owner; kept from the file that is replaced where absent and allowed. */
  readonly uid?: number;
  readonly gid?: number;
  /**
   * False leaves the directory unflushed, which is quicker: the file is old or new as ever, but after a
   * power cut it may be the old one again.
   */
  readonly lasting?: boolean;
  /** True leaves a file that is there already as it is, and throws EEXIST. */
  readonly exclusive?: boolean;
}

/** Between name and random part of what is being written, so that it is known again after a crash. */
const MARK = '.publishing-';

/**
 * Replace a file at once: written beside it, flushed to the disk, given the mode and owner of the file
 * that it replaces, renamed over it, and the directory flushed, so that the change outlives a power cut.
 * @param path of a regular file, or where none is yet; a symbolic link is replaced, not followed
 * @param content all of it
 * @throws the file system's error, `path` then being as it was and nothing left beside it
 */
export async function publishFile(
  path: string,
  content: string | Uint8Array,
  { mode, uid, gid, lasting = true, exclusive = false }: PublishOptions = {},
): Promise<void> {
  const directory = dirname(path);
  const old = await lstat(path).catch(() => undefined);
  if (old?.isDirectory()) throw Object.assign(new Error(`${path} is a directory`), { code: 'EISDIR', path });
  const kept = old?.isFile() ? old : undefined;
  const temporary = join(directory, `.${basename(path)}${MARK}${randomBytes(6).toString('hex')}`);
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    try {
      await file.writeFile(content);
      await own(file, uid ?? kept?.uid, gid ?? kept?.gid);
      // After the owner, since a change of owner may take bits away.
      await file.chmod(mode ?? (kept ? kept.mode & 0o7777 : 0o644));
      await file.sync();
    } finally {
      await file.close();
    }
    if (exclusive) {
      await link(temporary, path);
      await unlink(temporary);
    } else await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  if (lasting) await syncDirectory(directory);
}

/** Flush what was created, renamed and removed in a directory. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Remove what publishers that were killed left in a directory. For its only publisher, at start.
 * @returns the names that were removed
 */
export async function removeStrays(directory: string): Promise<string[]> {
  const strays = (await readdir(directory)).filter((name) => name.startsWith('.') && name.includes(MARK));
  for (const name of strays) await unlink(join(directory, name));
  return strays;
}

async function own(file: FileHandle, uid: number | undefined, gid: number | undefined): Promise<void> {
  const now = await file.stat();
  if ((uid ?? now.uid) === now.uid && (gid ?? now.gid) === now.gid) return;
  try {
    await file.chown(uid ?? now.uid, gid ?? now.gid);
  } catch (error) {
    // Without CAP_CHOWN the owner is the writing user; the group may still be one of ours.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    await file.chown(now.uid, gid ?? now.gid).catch(() => {});
  }
}
