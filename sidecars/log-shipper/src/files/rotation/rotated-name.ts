/** What a rotated file was called before. */
import { basename, dirname, join } from 'node:path';

/** A date, with or without a time: `20261121`, `2026-11-21T08:00`, `1763712000` (seconds since the epoch). */
const DATE = String.raw`\d{4}[\d:T._-]*\d{2}`;
/** What only rotation puts into a name: `.1`, `-20261121`, `.2026-11-21`, `.old` at its end, a date before its suffix. */
const CERTAIN = [
  new RegExp(String.raw`(?:\.\d+|[._-]${DATE}|[._-](?:old|bak|prev|copy|save))$`),
  new RegExp(String.raw`[._-]${DATE}(?=\.[A-Za-z]+$)`),
];
/** What may be a mark of rotation and may be a name: `app-1.log`, `worker.2.log`, `app-1`. */
const UNCERTAIN = /[._-](?:\d+|old|bak|prev|copy|save)(?=$|\.[A-Za-z]+$)/;
const COMPRESSED = /\.(?:gz|zst)$/;

/** Whether a name says that a file is compressed in a way that is read. */
export const isCompressed = (path: string): boolean => COMPRESSED.test(path);

/** What a compressed file was called before. */
export const unpackedName = (path: string): string => path.replace(COMPRESSED, '');

/** What a name says of where its content was written. */
export interface Before {
  readonly path: string;
  /** Only rotation makes such marks; otherwise it may be a file of its own. */
  readonly certain: boolean;
}

/**
 * The paths without the marks that rotation puts into a name, taken off one after another:
 * `/logs/app-1.log.2` was `/logs/app-1.log`, and may once have been `/logs/app.log`.
 */
export function unrotated(path: string): Before[] {
  const all: Before[] = [];
  let name = unpackedName(basename(path));
  let certain = true;
  for (;;) {
    const mark = CERTAIN.find((each) => each.test(name));
    certain &&= mark !== undefined;
    const shorter = name.replace(mark ?? UNCERTAIN, '');
    if (shorter === name || shorter === '') return all;
    name = shorter;
    all.push({ path: join(dirname(path), name), certain });
  }
}

/** A mark of rotation behind a name that ends as names of logs do: what is called so was not begun under this name. */
const NUMBERED = /(\.[A-Za-z]+)\.\d{1,4}(?:\.(?:gz|zst))?$/;

/**
 * Where the content of a file was written that shows up under a path.
 * @param isKnown whether there is, or was, a file of a path
 */
export function homeOf(path: string, isKnown: (path: string) => boolean): string {
  const before = unrotated(path).filter(({ certain }) => certain);
  const known = before.find((each) => isKnown(each.path));
  return known?.path ?? (NUMBERED.test(path) ? before[0]?.path : undefined) ?? path;
}

/** Whether, and how surely, a path is what a home was renamed, copied or compressed to. */
export function rotationOf(path: string, home: string): 'certain' | 'uncertain' | undefined {
  if (isCompressed(path) && unpackedName(basename(path)) === basename(home)) return 'certain';
  const before = unrotated(path).find((each) => basename(each.path) === basename(home));
  return before && (before.certain ? 'certain' : 'uncertain');
}
