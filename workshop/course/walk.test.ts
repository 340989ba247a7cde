import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { walkThrough } from './walk.ts';

test('a walk is reading, typing what the start has not, and the engine', () => {
  const dir = temporaryDirectory('walk');
  for (const name of ['start', 'solution']) mkdirSync(join(dir, name));
  writeFileSync(
    join(dir, 'README.md'),
    `${'word '.repeat(127)}\n\n<!-- covered: x -->\n\`\`\`sh\n${'c'.repeat(40)}\n\`\`\`\n`,
  );
  writeFileSync(join(dir, 'start/compose.yaml'), 'same:\n  old: 1\n');
  writeFileSync(join(dir, 'solution/compose.yaml'), `same:\n  ${'n'.repeat(60)}\n`);
  const { reading, typing, engine } = walkThrough({ dir }, 90);
  assert.is(Math.round(reading * 10), 10);
  assert.is(typing, 1);
  assert.is(engine, 1.5);
});

test.run();
