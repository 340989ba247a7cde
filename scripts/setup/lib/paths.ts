import { join } from 'node:path';
import { ROOT } from '../../lib/stacks.ts';

/** What can be made again; `make clean` removes it. */
export const CACHE = join(ROOT, '.cache');
