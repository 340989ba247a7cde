/** The program as a whole: its flags, its faults, its end. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { translateArguments } from './command-line.ts';

const directory = temporaryDirectory('topz-main');
const common = { bundle: true, outdir: directory, logLevel: 'silent' } as const;
// As the image has it: the program, and beside it what the page loads.
await build({
  ...common,
  entryPoints: { topz: join(import.meta.dirname, 'main.ts') },
  platform: 'node',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const page = join(import.meta.dirname, '../page');
await build({ ...common, entryPoints: { page: join(page, 'main.ts') }, format: 'iife' });
await build({ ...common, entryPoints: { page: join(page, 'style.css') } });

/** Started, with a page on a port of its own. */
async function start(env: Record<string, string>, args: (port: number) => string[] = () => []) {
  const port = await freePort();
  const program = await startProgram([join(directory, 'topz.mjs'), ...args(port)], {
    TOPZ_ADDRESS: `127.0.0.1:${port}`,
    ...env,
  });
  return Object.assign(program, { page: (path: string) => program.get(path, port) });
}

test('it shows itself, is ready, counts, and ends when told to', async () => {
  const topz = await start({}, (port) => [`--addr=127.0.0.1:${port}`]);
  await topz.up();
  assert.match((await topz.page('/topz')).text, /topz\.mjs --addr=/);
  assert.match((await topz.page('/topz/page.js')).text, /By container/);
  assert.is((await topz.get('/readyz')).status, 200);
  assert.is((await topz.get('/startupz')).status, 200);
  for (const { text } of [await topz.get('/metrics'), await topz.page('/metrics')]) {
    assert.match(text, /^namedprocess_namegroup_num_procs\{groupname="[^"]+",container="[^"]+"\} [1-9]/m);
    assert.match(text, /^namedprocess_namegroup_cpu_seconds_total\{.*mode="user"\} \d/m);
    assert.match(text, /^process_resident_memory_bytes [1-9]/m);
  }
  assert.is(await topz.stop(), 0, topz.output);
});

test('the address may be a name, as in the book: --addr=localhost:8080', async () => {
  const topz = await start({ TOPZ_HOSTS: 'my-pod' }, (port) => [`--addr=localhost:${port}`]);
  await topz.up();
  const port = Number(/--addr=localhost:(\d+)/.exec((await topz.page('/topz')).text)?.[1]);
  const ask = async (host: string): Promise<number> =>
    (await request(`http://127.0.0.1:${port}/topz`, { headers: { host }, timeout: 5000 })).status;
  assert.equal([await ask('my-pod:8080'), await ask('other')], [200, 403]);
  assert.is(await topz.stop(), 0, topz.output);
});

test('containers are called what TOPZ_NAMES says', async () => {
  const plain = await start({});
  await plain.up();
  const groupsOf = async (topz: typeof plain): Promise<{ id: string; container?: string }[]> =>
    (JSON.parse((await topz.page('/topz?format=json')).text) as { groups: { id: string; container?: string }[] })
      .groups;
  const hex = (await groupsOf(plain)).find(({ id }) => /^[0-9a-f]{12}$/.test(id));
  await plain.stop();
  const topz = await start({ TOPZ_NAMES: `${hex?.id ?? '0'.repeat(12)}=shop` });
  await topz.up();
  for (const { id, container } of await groupsOf(topz)) assert.is(container, id === hex?.id ? 'shop' : undefined);
  if (hex) assert.match((await topz.page('/topz?format=text')).text, / shop /);
  await topz.stop();
});

test('counters do not count twice when they are read twice', async () => {
  const topz = await start({ TOPZ_SAMPLE_PERIOD: '0' });
  await topz.up();
  const sum = async (): Promise<number> =>
    [...(await topz.page('/metrics')).text.matchAll(/^namedprocess_namegroup_cpu_seconds_total\{.*\} (\S+)$/gm)].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  const [first, second] = [await sum(), await sum()];
  assert.ok(second >= first && second < first + 60, `${first}, then ${second}`);
  await topz.stop();
});

for (const [name, env, message] of [
  [
    'a pattern that is none',
    { TOPZ_MASK_PATTERN: '(' },
    /^topz: TOPZ_MASK_PATTERN: .*; accepted is a regular expression/m,
  ],
  ['a pattern that matches nothing', { TOPZ_MASK_PATTERN: 'x*' }, /it matches the empty text/],
  [
    'a port that is none',
    { TOPZ_ADDRESS: '0.0.0.0:99999' },
    /"0\.0\.0\.0:99999" is malformed.*with a port up to 65535/,
  ],
  [
    'an address that is not here',
    { TOPZ_ADDRESS: 'no-such-host.invalid:8080' },
    /TOPZ_ADDRESS: no-such-host\.invalid:8080 /,
  ],
  ['an address without port', { TOPZ_ADDRESS: '127.0.0.1' }, /accepted is ADDRESS:PORT or NAME:PORT/],
  ['a name that was mistyped', { TOPZ_MASKS: 'false' }, /did you mean TOPZ_MASK\?/],
] as const)
  test(`${name} ends it with 64`, async () => {
    const topz = await start(env);
    assert.is(await topz.ended(), 64);
    assert.match(topz.output, message);
  });

test("the flag is that of Kubernetes' topz", () => {
  assert.equal(translateArguments(['--addr=:80', '-addr', ':81', '--address=x', '--log-level=info']), [
    '--topz-address=:80',
    '--topz-address',
    ':81',
    '--address=x',
    '--log-level=info',
  ]);
});

test('masking can be turned off, with a warning', async () => {
  const topz = await start({ TOPZ_MASK: 'false' }, () => ['--shutdown-timeout=7s']);
  await topz.up();
  assert.match(topz.output, /"level":"warn".*secrets/);
  await topz.stop();
});

test.run();
