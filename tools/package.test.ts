/** What npm would publish, installed in an empty folder as a stranger would. */
import {
  existsSync,
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { copiedBy } from './bundled/build-folder.ts';
import { SIDECARS } from './bundled/sidecars.ts';

const test = suite('npm package');
const root = join(import.meta.dirname, '..');
const MINUTES = 180_000;
/** The package manager's own settings, and a test runner's, are not the stranger's. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle|command)|INIT_CWD|COMPOSE_)/.test(name)),
);

let folder: string;
const sh = async (...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
  try {
    return { code: 0, ...(await runCommand(argv, { cwd: folder, env, timeout: MINUTES, maxOutput: 1_000_000 })) };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code === undefined) throw error;
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
};

/** The command as npm has linked it; npx itself takes longer than all that it does, so it is asked once. */
const command = (...args: string[]): ReturnType<typeof sh> => sh('node_modules/.bin/sidecar-stacks', ...args);

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  const made = await runCommand([process.execPath, 'scripts/package.ts'], { cwd: root, env, timeout: MINUTES });
  const file = made.stdout.trim().split('\n').at(-1)!;
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  await runCommand(['npm', 'install', '--no-audit', '--no-fund', file], {
    cwd: folder,
    env,
    timeout: MINUTES,
  });
});
test.after(() => rmSync(folder, { recursive: true }));

test('nothing else is installed with it, nor named as optional', () => {
  assert.equal(
    readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['sidecar-stacks'],
  );
  const { optionalDependencies, scripts } = JSON.parse(
    readFileSync(join(folder, 'node_modules/sidecar-stacks/package.json'), 'utf8'),
  ) as Record<string, unknown>;
  assert.equal([optionalDependencies, scripts], [undefined, undefined]);
});

test('an install from git, which reads package.json as it is here, brings no Node along', () => {
  const here = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  assert.equal([here.dependencies, here.optionalDependencies], [undefined, undefined]);
});

test('without what a build makes, the command says what to do', async () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  writeFileSync(join(bare, 'bin.mjs'), readFileSync(join(root, 'tools/bin.mjs')));
  const { code, stderr } = await sh('node', 'bare/bin.mjs', '--help');
  assert.is(code, 1);
  assert.match(stderr, /installed without being built.*npm run package/s);
});

test('packed by hand in a checkout it is refused, with what to do', async () => {
  await runCommand(['npm', 'pack', '--pack-destination', folder], { cwd: root, env, timeout: MINUTES }).then(
    () => assert.unreachable('packed'),
    (error: CommandError) => assert.match(error.stderr, /npm run package makes the package/),
  );
});

test('the course comes with it: a folder of its own, and an exercise that checks itself', async () => {
  const place = join(folder, 'course');
  mkdirSync(place);
  // What npm would install in it takes half a minute.
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  const listed = await command('workshop', '--folder', 'course', 'list');
  assert.is(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /written to .*course\n[^]* 01 {2}Identify the sidecar/);
  const checked = await command('workshop', '--folder', 'course', 'check', '1');
  assert.is(checked.code, 1);
  assert.match(checked.stdout, /✗ must name what each service of shop is/);
});

test('what the images of sidecars and of the mesh are built from is all there', () => {
  const bundled = join(folder, 'node_modules/sidecar-stacks');
  const sidecars = [...Object.keys(SIDECARS), 'mesh-proxy', 'mesh-init'].map((name) => `sidecars/${name}`);
  for (const path of [...sidecars, 'servers/control-plane', 'servers/dashboard', 'servers/webhook']) {
    const sources = copiedBy(readFileSync(join(bundled, path, 'Dockerfile'), 'utf8'));
    assert.ok(sources.includes(`dist/${basename(path)}.mjs`));
    for (const source of sources) assert.ok(existsSync(join(bundled, path, source)), `${path} lacks ${source}`);
  }
});

test('--help names every command, and each has a help of its own', async () => {
  const { code, stdout } = await sh('npx', 'sidecar-stacks', '--help');
  assert.is(code, 0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map((match) => match[1]!);
  assert.ok(names.includes('identify') && names.includes('inject') && names.includes('export'));
  for (const name of names) assert.match((await command(name, '--help')).stdout, /usage|lists/);
  assert.is((await command('indentify')).code, 2);
});

test("identify and inject work in the stranger's folder", async () => {
  writeFileSync(join(folder, 'compose.yaml'), 'services:\n  web: {image: nginx, ports: ["8080:80"]}\n');
  const injected = await command('inject', 'tls', '--into', 'web', '--publish', '8443:8443');
  assert.is(injected.code, 0, injected.stderr);
  assert.ok(readdirSync(join(folder, '.sidecar-stacks/tls/dist')).includes('tls.mjs'));
  const found = await command('identify', '--json', '-f', 'compose.yaml', '-f', 'compose.sidecars.yaml');
  const { groups } = JSON.parse(found.stdout) as {
    groups: { containers: { name: string; class: string; role: string }[] }[];
  };
  assert.equal(
    groups[0]!.containers.map(({ name, class: what, role }) => [name, what, role]),
    [
      ['web', 'app', 'app'],
      ['web-pod', 'pause', 'pause'],
      ['web-tls', 'sidecar', 'tls'],
    ],
  );
  assert.is((await command('inject', '--undo')).code, 0);
  assert.not.ok(readdirSync(folder).includes('compose.sidecars.yaml'));
});

test("up plans in the stranger's folder, where no engine is needed for it", async () => {
  writeFileSync(
    join(folder, 'compose.yaml'),
    'services:\n  web: {image: nginx, ports: ["8080:80"], x-sidecars: [tls]}\n',
  );
  const { code, stdout } = await command('up', '--dry-run', '--mesh');
  assert.is(code, 0);
  assert.match(stdout, /^web: tls :8443 → web :80$.*^mesh: web$/ms);
});

test("export works in the stranger's folder", async () => {
  writeFileSync(
    join(folder, 'compose.yaml'),
    'services:\n  web: {image: "nginx:1.29", restart: always, ports: ["8080:80"]}\n',
  );
  const { code, stdout, stderr } = await command('export', '-o', 'kubernetes');
  assert.is(code, 0, stderr);
  assert.match(stdout, /^kubernetes: \d files$/m);
  assert.ok(readdirSync(join(folder, 'kubernetes/base')).includes('web.yaml'));
});

test('the library loads, and its types are found', async () => {
  mkdirSync(join(folder, 'typed'));
  writeFileSync(
    join(folder, 'typed/use.ts'),
    "import { up, type Stack } from 'sidecar-stacks';\nexport const web = async (stack: Stack): Promise<number> => stack.port('web', 80);\nexport const bring = (): Promise<Stack> => up('compose.yaml', { services: ['web'] });\n// @ts-expect-error: a port is a number\nexport const wrong = (stack: Stack) => stack.port('web', '80');\n",
  );
  writeFileSync(
    join(folder, 'typed/tsconfig.json'),
    '{"compilerOptions": {"module": "nodenext", "target": "es2024", "lib": ["es2024", "esnext.disposable"], "types": [], "strict": true, "noEmit": true}, "files": ["use.ts"]}',
  );
  const types = await sh(join(root, 'node_modules/.bin/tsc'), '--project', 'typed');
  assert.is(types.code, 0, types.stdout);
  const loaded = await sh(
    'node',
    '--input-type=module',
    '-e',
    "import { up } from 'sidecar-stacks'; console.log(typeof up)",
  );
  assert.is(loaded.stdout.trim(), 'function');
});

test.run();
