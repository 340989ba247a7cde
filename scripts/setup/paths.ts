import {join, resolve} from 'node:path';

/** The repository's folder. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** What can be made again; `make clean` removes it. */
export const CACHE = join(ROOT, '.cache');
