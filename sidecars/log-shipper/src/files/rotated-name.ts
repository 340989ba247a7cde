/** What a rotated file was called before. */
import { basename, dirname, join } from 'node:path';

/** `.1`, `-20261121`, `.2026-11-21T08:00`, `.old`: at the end, or before a suffix such as `.log`. */
const MARK = /[.\-_](?:\d[\dT:.\-_]*|old|bak|prev|copy|save)(?=$|\.[A-Za-z]+$)/;

/**
 * The path without the marks that rotation puts into a name: `/logs/app.log.2` was `/logs/app.log`,
 * `/logs/app-20261121.log` too.
 * @returns the path itself when its name has no such mark
 */
export function unrotated(path: string): string {
  let name = basename(path);
  for (;;) {
    const shorter = name.replace(MARK, '');
    if (shorter === name || shorter === '') break;
    name = shorter;
  }
  return join(dirname(path), name);
}
