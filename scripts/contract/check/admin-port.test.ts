/** The README of everything that has a contract says who can read its admin port, what is seen there, and how to keep it inside the pod. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sidecarPaths } from '../sidecars.ts';

const ROOT = join(import.meta.dirname, '../../..');

for (const path of sidecarPaths(ROOT))
  test(path, () => {
    const readme = readFileSync(join(ROOT, path, 'README.md'), 'utf8');
    const [, after = ''] = /<!-- contract:endpoints -->[^]*?<!-- \/contract -->\n([^]*?)(?=\n#|$)/.exec(readme) ?? [];
    const text = after.replace(/\s+/g, ' ');
    assert.match(text, /Anyone on a network of the pod can read the admin port/);
    assert.match(text, /It shows .{40,}\. `ADMIN_ADDRESS=127\.0\.0\.1` keeps it inside the pod/);
  });

test.run();
