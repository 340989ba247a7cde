/** A refusal lasts as long as its cause: the document, and what it was held against. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import type { Sidecar } from './testing/sidecar.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

async function restart(sidecar: Sidecar, env: Record<string, string>): Promise<Sidecar> {
  sidecar.child.kill('SIGTERM');
  assert.is(await sidecar.ended(), 0, sidecar.output);
  const next = await rig.start(env);
  await rig.started(next);
  return next;
}

const schema = (maximum: number): string => {
  const path = join(rig.directory, 'schema.json');
  writeFileSync(path, JSON.stringify({ properties: { level: { pattern: `^[0-${maximum}]$` } } }));
  return path;
};

test('after a restart a document is tried again with a corrected schema, not with the same one', async () => {
  const env = { CONFIG_SCHEMA: schema(3) };
  const first = await rig.settled(env);
  rig.server.put('app', 'release=2\nlevel=5\n');
  await rig.report('rejected', 2);
  const second = await restart(first, env);
  await rig.polled();
  assert.is(rig.server.reports.filter(({ version }) => version === '2').length, 1);
  schema(9);
  await restart(second, env);
  await rig.serves('release=2\nlevel=5\n');
  await rig.report('applied', 2);
});

test('after a corrected check program, too, whose command is the same', async () => {
  const check = join(rig.directory, 'check');
  writeFileSync(check, '#!/bin/sh\ngrep -q release=1 "$1"\n', { mode: 0o755 });
  const env = { CONFIG_CHECK: `${check} {}` };
  const sidecar = await rig.settled(env);
  rig.server.put('app', 'release=2\n');
  await rig.report('rejected', 2);
  writeFileSync(check, '#!/bin/sh\ngrep -q release "$1"\n', { mode: 0o755 });
  await restart(sidecar, env);
  await rig.serves('release=2\n');
});

test('after a larger size', async () => {
  const sidecar = await rig.settled({ CONFIG_MAX_SIZE: '70KiB' });
  const large = `release=2\nfiller=${'x'.repeat(80 * 1024)}\n`;
  rig.server.put('app', large);
  await rig.report('rejected', 2);
  await restart(sidecar, { CONFIG_MAX_SIZE: '90KiB' });
  await rig.serves(large);
});

test('after another way to tell the application, which would not take it', async () => {
  const env = { CONFIG_NOTIFY: 'command:/bin/false' };
  const sidecar = await rig.settled(env);
  rig.server.put('app', 'release=2\n');
  await rig.report('rolled-back', 2);
  await restart(sidecar, {});
  await rig.serves('release=2\n');
  await rig.report('applied', 2);
});

test('checks and notify commands get the environment that is configured, and nothing of ours', async () => {
  const seen = join(rig.directory, 'seen');
  const check = join(rig.directory, 'check');
  writeFileSync(check, `#!/bin/sh\nenv >> ${seen}\n`, { mode: 0o755 });
  const env = {
    CONFIG_CHECK: `${check} {}`,
    CONFIG_NOTIFY: `command:${check}`,
    CONFIG_COMMAND_ENV: 'STAGE=test=1, PASSED_ON, NOT_SET',
    CONFIG_TOKEN: 'hunter2hunter2hunter2',
    PASSED_ON: 'from outside',
  };
  rig.server.put('app', 'release=1\n');
  await rig.start({ ...env, CONFIG_VERIFY: '', CONFIG_VERIFY_EXPECT: '' });
  await rig.report('applied', 1);
  const lines = readFileSync(seen, 'utf8').split('\n');
  assert.is(lines.filter((line) => line === 'STAGE=test=1').length, 2, lines.join('\n'));
  assert.is(lines.filter((line) => line === 'PASSED_ON=from outside').length, 2);
  assert.not(lines.some((line) => /^(NOT_SET|CONFIG_)|hunter2/.test(line)));
});

test.run();
