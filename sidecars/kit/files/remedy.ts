/** What to change in a compose file, where a path may not be used. */
import { statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

/** Whether the system refused it to this user, and not for another reason. */
export const isDenied = (error: unknown): boolean =>
  /^(EACCES|EPERM)$/.test((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/**
 * Which line lets a sidecar read a path, or write it, by its owner, its group and its mode.
 * @param path the path itself; where it cannot be seen, the nearest directory above it that can
 */
export function remedy(path: string, wish: 'read' | 'write' = 'read'): string {
  const stats = visible(path);
  if (stats === undefined) return `run the sidecar as a user who may ${wish} it (user:)`;
  const { uid, gid, mode } = stats;
  const bits = (wish === 'read' ? 0o040 : 0o020) | (stats.isDirectory() ? 0o010 : 0);
  if ((mode & bits) === bits) return `give the sidecar its group: group_add: ["${gid}"]`;
  return `run the sidecar as its owner: user: "${uid}:${gid}"`;
}

/** `PATH cannot be read (EACCES): …`, with the line that helps where permissions are in the way. */
export const unreadable = (path: string, error: unknown): string => `${path} ${whyUnreadable(path, error)}`;

/** The same without the path before it. */
export function whyUnreadable(path: string, error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return `cannot be read (${code})${isDenied(error) ? `: ${remedy(path)}` : ''}`;
}

/** The path itself, or the directory above it that hides it: one that everybody may enter does not. */
function visible(path: string): Stats | undefined {
  for (let each = path; ; each = dirname(each)) {
    try {
      const stats = statSync(each);
      return each !== path && (stats.mode & 0o001) !== 0 ? undefined : stats;
    } catch {
      if (each === dirname(each)) return undefined;
    }
  }
}
