/** `npm pack` calls it (prepack): everything that the npm package carries, made anew. */
import { build } from 'esbuild';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './lib/run.ts';
import { ROOT } from './lib/stacks.ts';
import { bundle } from './setup/bundles/bundle.ts';

const DIST = join(ROOT, 'tools/dist');
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
await run('tsc', ['--project', 'tools/tsconfig.types.json'], { cwd: ROOT, timeoutMs: TSC_MS });
