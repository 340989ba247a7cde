/** `npm run package`: the npm package as it is published, made anew; its file is printed. */
import { build } from 'esbuild';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, run } from './lib/run.ts';
import { ROOT } from './lib/stacks.ts';
import { bundle } from './setup/bundles/bundle.ts';
import { providePackages } from './setup/bundles/packages.ts';

const DIST = join(ROOT, 'tools/dist');
const MADE = join(ROOT, '.cache/package');
const PACK_MS = 60_000;
/** What only a checkout needs of package.json. */
const OWN = ['devDependencies', 'workspaces', 'scripts', 'imports'];
/** Tests, measuring, attacks: the course calls none of them. */
const NOT_FOR_LEARNERS =
  /\.test\.ts$|\/bench\/|\/golden\/|^\.ci\/|^\.github\/|^artifacts\/|^scripts\/(?:attack|bench|lint|podman|soak)\//;
const TSC_MS = 120_000;
/** What Node 20 lacks of what is used. */
const YOUNGER = [
  'Map.groupBy ??= (list, key) => { const map = new Map(); let i = 0; for (const item of list) { const k = key(item, i++); const own = map.get(k); if (own) own.push(item); else map.set(k, [item]); } return map; };',
  'Promise.withResolvers ??= function () { let resolve, reject; const promise = new this((a, b) => { resolve = a; reject = b; }); return { promise, resolve, reject }; };',
].join('\n');
/** CommonJS code inside a bundle calls `require`, which an ES module lacks. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

rmSync(DIST, { recursive: true, force: true });
await bundle();
// What images take from npm beside their bundle.
await providePackages();
await build({
  entryPoints: { 'sidecar-stacks': join(ROOT, 'tools/bin.ts'), index: join(ROOT, 'tools/index.ts') },
  outdir: DIST,
  outExtension: { '.js': '.mjs' },
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  logLevel: 'warning',
  banner: { js: `${REQUIRE}\n${YOUNGER}` },
});
// It complains of imports by `#`, which the declarations do not name, and writes them all the same.
await run('tsc', ['--project', 'tools/tsconfig.types.json'], { cwd: ROOT, timeoutMs: TSC_MS });
await carryWorkshop();
// In a clone that npm made, and packs itself.
if (process.argv[2] === '--here') trim(ROOT);
else {
  rmSync(MADE, { recursive: true, force: true });
  mkdirSync(MADE, { recursive: true });
  await step(ROOT, PACK_MS, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', MADE);
  const file = join(MADE, readdirSync(MADE)[0]!);
  await step(MADE, PACK_MS, 'tar', '-xzf', file);
  trim(join(MADE, 'package'));
  await step(join(MADE, 'package'), PACK_MS, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', MADE);
  rmSync(join(MADE, 'package'), { recursive: true });
  console.log(file);
}

/** What the course needs of the repository, as one file of the package. */
async function carryWorkshop(): Promise<void> {
  const { exitCode, stdout } = await run('git', ['ls-files'], { cwd: ROOT, timeoutMs: PACK_MS });
  if (exitCode !== 0) return console.error('The package carries no workshop: it is made of what git has.');
  const files = stdout
    .trim()
    .split('\n')
    .filter((file) => !NOT_FOR_LEARNERS.test(file));
  await step(ROOT, PACK_MS, 'tar', '-czf', join(DIST, 'workshop.tgz'), '--', ...files);
}

function trim(folder: string): void {
  const file = join(folder, 'package.json');
  const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const kept = Object.fromEntries(Object.entries(all).filter(([key]) => !OWN.includes(key)));
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
}

async function step(cwd: string, timeoutMs: number, command: string, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await run(command, args, { cwd, timeoutMs });
  if (exitCode === 0) return;
  console.error(`${command} ${args[0]} failed:\n${lastLines(`${stdout}\n${stderr}`, 10).join('\n')}`);
  process.exit(1);
}
