/** The defects that are put back to see whether the simulation finds them are still where they were. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFECTS } from './testing/simulation/defects.ts';

test('each defect that can be put back has one place in the source', () => {
  const places = DEFECTS.map(({ file, name, now }) => {
    const parts = readFileSync(join(import.meta.dirname, file), 'utf8').split(now);
    return `${name}: ${parts.length - 1}`;
  });
  assert.equal(
    places.filter((each) => !each.endsWith(': 1')),
    [],
  );
});

test.run();
