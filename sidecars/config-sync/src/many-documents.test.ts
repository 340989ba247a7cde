/** As many documents as no URL can name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#kit/testing/eventually.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';

const COUNT = 500;

test('500 documents are watched with one request, and a change of the last one arrives by it', async () => {
  await using rig = await Rig.open();
  const keys = Array.from({ length: COUNT }, (_, index) => `a.document.with.a.long.name.${index}`);
  for (const key of keys) rig.server.put(key, `${key}\n`);
  const spec = join(rig.directory, 'spec.json');
  const files = keys.map((key) => ({ key, path: join(rig.live, key), format: 'text' }));
  writeFileSync(spec, JSON.stringify({ files }));
  const sidecar = await rig.start({
    CONFIG_FILES: '',
    CONFIG_SPEC: spec,
    CONFIG_NOTIFY: '',
    CONFIG_VERIFY: '',
    CONFIG_VERIFY_EXPECT: '',
    // Polling would find it, too, but not in this test.
    UPDATE_FREQUENCY: '60s',
    CONFIG_MAX_AGE: '120s',
  });
  await sidecar.eventually('every file is in place', async () => (await sidecar.get('/startupz')).status === 200, {
    within: 60_000,
  });
  await eventually('it watches', () => rig.server.watches === 1);
  assert.is(rig.server.requests.filter((each) => each.endsWith('/v1/watch')).length, 1);
  rig.server.put(keys.at(-1)!, 'changed\n');
  await eventually('it has arrived', () => readFileSync(join(rig.live, keys.at(-1)!), 'utf8') === 'changed\n');
});

test.run();
