/** `npm run export:golden -- [STACK…]`: write the golden files of the export anew, after a look at what changes. */
import { stacks, writeGolden } from '../tools/export/golden.ts';

const named = process.argv.slice(2);
for (const stack of named.length > 0 ? named : stacks()) writeGolden(stack);
