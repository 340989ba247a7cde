import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** A project of its own, with the real entry and two programs. */
const root = mkdtempSync(join(tmpdir(), 'entry-test-'));
const bin = join(root, 'node_modules', '.bin');
mkdirSync(join(root, 'scripts', 'lib'), { recursive: true });
mkdirSync(bin, { recursive: true });
for (const file of ['run.mjs', 'lib/lock.mjs', 'lib/node-modules.mjs', 'lib/sentence.mjs']) {
  cpSync(join(import.meta.dirname, file), join(root, 'scripts', file));
}
for (const file of ['package-lock.json', 'node_modules/.package-lock.json']) {
  writeFileSync(join(root, file), '{"packages": {}}');
}
writeFileSync(join(root, 'package.json'), '{"type": "module"}');
symlinkSync(process.execPath, join(bin, 'node'));
writeFileSync(
  join(root, 'scripts', 'show.ts'),
  'const shown: object = {args: process.argv.slice(2), first: process.env.PATH?.split(":")[0], parent: process.ppid};\n' +
    'console.log(JSON.stringify(shown)); process.exitCode = 7;',
);
writeFileSync(
  join(root, 'scripts', 'wait.ts'),
  'process.on("SIGTERM", () => { console.log("told"); process.exit(5); });\n' +
    'setInterval(() => {}, 1000); console.log(process.argv.includes("die") ? "die" : "ready");\n' +
    'if (process.argv.includes("die")) process.kill(process.pid, "SIGKILL");',
);
test.after(() => rmSync(root, { recursive: true }));

/** Makes Node say that it is an older one, which reads no TypeScript. */
const OLDER = ['--import', 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})'];
const entry = join(root, 'scripts', 'run.mjs');

for (const [kind, flags] of [
  ['this Node', []],
  ['an older Node', OLDER],
] as const) {
  test(`${kind}: arguments, PATH and exit code are the program's`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, entry, 'show', '--x', 'two words', ''], {
      encoding: 'utf8',
    });
    assert.is(stderr, '');
    const { args, first, parent } = JSON.parse(stdout) as { args: string[]; first: string; parent: number };
    assert.equal({ status, args, first }, { status: 7, args: ['--x', 'two words', ''], first: bin });
    assert.is(parent === process.pid, kind === 'this Node');
  });

  test(`${kind}: a signal reaches the program, whose exit code is kept`, async () => {
    const child = spawn(process.execPath, [...flags, entry, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (!said) child.kill('SIGTERM');
      said += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal([said, code], ['ready\ntold\n', 5]);
  });
}

test('a program that a signal ended gives 128 and its number', () => {
  assert.is(spawnSync(process.execPath, [...OLDER, entry, 'wait', 'die']).status, 128 + 9);
});

test('what a user can do something about is a sentence, and a mistake of the program a stack', () => {
  const throwing = (code: string): string => {
    writeFileSync(join(root, 'scripts', 'throw.ts'), `await null; throw ${code};`);
    return spawnSync(process.execPath, [entry, 'throw'], { encoding: 'utf8' }).stderr;
  };
  const full = `Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', path: '/x' })`;
  assert.is(
    throwing(full),
    'throw: No space is left on the device (/x): docker system prune and make clean free some.\n',
  );
  const gone = `Object.assign(new Error('docker ps: no engine answers'), { name: 'EngineError' })`;
  assert.is(throwing(gone), 'throw: docker ps: no engine answers\nmake doctor says what this machine lacks.\n');
  assert.is(throwing(`{ exitCode: 1, out: '', err: 'a\\nb\\n' }`), 'throw: docker compose failed: b\n');
  assert.match(throwing(`new TypeError('odd')`), /TypeError: odd\n +at /);
  rmSync(join(root, 'scripts', 'throw.ts'));
});

test('the doctor installs nothing: what is not installed is a finding', () => {
  writeFileSync(join(root, 'scripts', 'doctor.ts'), '');
  writeFileSync(join(root, 'package-lock.json'), '{"packages": {"node_modules/a": {"version": "1.0.0"}}}');
  const { status, stderr } = spawnSync(process.execPath, [entry, 'doctor'], { encoding: 'utf8' });
  writeFileSync(join(root, 'package-lock.json'), '{"packages": {}}');
  rmSync(join(root, 'scripts', 'doctor.ts'));
  assert.is(status, 1);
  assert.match(stderr, /packages +node_modules\/a is missing. Install them: npm ci/);
});

test('an unknown command lists the commands, in one line, and exits with 2', () => {
  for (const args of [[], ['nope'], ['../show'], ['Show'], ['lib']]) {
    const { status, stderr } = spawnSync(process.execPath, [entry, ...args], { encoding: 'utf8' });
    assert.is(status, 2);
    assert.is(stderr, 'usage: node scripts/run.mjs COMMAND [ARGS…], COMMAND one of: show, wait\n');
  }
});

test.run();
