import type { BuildFailure } from 'esbuild';
import { existsSync, globSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { ROOT } from '../../lib/stacks.ts';
import { SetupError } from '../lib/setup-error.ts';
import { noticesOf } from './notices.ts';
import { isFresh, writeStamp } from './stamp.ts';

/** A program that becomes one file of an image. */
export interface Bundle {
  /** The bundle, relative to the repository: `sidecars/tls/dist/tls.mjs`. */
  path: string;
  /** False when the file had this content already, and was left alone. */
  written: boolean;
}

/** Where programs that become a bundle live: a folder with `src/main.ts`. */
const PROGRAMS = ['sidecars/*/src/main.ts', 'servers/*/src/main.ts', 'stacks/*/services/*/src/main.ts'];
/** What a page loads: its script and its style, which become `dist/page.js` and `dist/page.css` beside its folder. */
const PAGES = ['main.ts', 'style.css'].map((file) => `{sidecars/*,servers/*,workshop}/page/${file}`);

/** CommonJS code inside a bundle calls `require`, which an ES module lacks. */
const REQUIRE =
  // By a name that no program has: two of one name are an error of syntax.
  "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);";
/** As many lines as REQUIRE, so that source maps fit both. */
const NO_REQUIRE = '// Bundled by esbuild; the source map beside this file holds the sources.';

/**
 * Bundles every program into `dist/NAME.mjs` in its folder, with its source map beside it (not in
 * the image), not minified, so that a stack trace can be read inside a container; a page
 * becomes `dist/page.js` and `dist/page.css`. A file whose content stays the same is not written, so
 * that the engine's build cache holds. Licence notices of the packages in it are its end.
 * Throws SetupError with esbuild's messages when a program does not compile.
 */
export async function bundle(root: string = ROOT): Promise<Bundle[]> {
  const programs = globSync(PROGRAMS, { cwd: root }).sort();
  if (programs.length === 0) return [];
  const pagePaths = globSync(PAGES, { cwd: root }).sort();
  const stamped = [...programs, ...pagePaths];
  if (isFresh(root, stamped)) return programs.map((path) => ({ path: bundleOf(path), written: false }));
  const since = Date.now();
  const entryPoints = programs.map((path) => {
    const folder = dirname(dirname(path));
    return { in: join(root, path), out: join(folder, 'dist', basename(folder)) };
  });
  const pages = pagePaths.map((path) => ({
    in: join(root, path),
    out: join(dirname(dirname(path)), 'dist', 'page'),
  }));
  const compiled = [
    await compile(root, entryPoints, PROGRAM),
    ...(pages.length > 0 ? [await compile(root, pages, PAGE)] : []),
  ];
  const files = compiled.flatMap(({ outputs }) => outputs);
  const outcomes = await Promise.all(
    files.map(async ({ path, text, packages }) => ({
      path: relative(root, path),
      written: await writeIfChanged(
        path,
        withNotices(path.endsWith('.mjs') ? withBanner(text) : text, noticesOf(root, packages)),
      ),
    })),
  );
  const contracted = programs.filter((path) => existsSync(join(root, dirname(path), 'contract.ts')));
  await Promise.all(contracted.map((path) => addHealthcheck(root, path)));
  const healthchecks = contracted.map((path) => join(dirname(dirname(path)), 'dist/healthcheck'));
  const inputs = compiled.flatMap((each) => each.inputs);
  const made = [...outcomes.map(({ path }) => path), ...healthchecks];
  writeStamp(root, stamped, [...inputs, 'sidecars/kit/life/healthcheck.sh', ...made], since);
  return outcomes.filter(({ path }) => path.endsWith('.mjs'));
}

/** `sidecars/tls/src/main.ts` → `sidecars/tls/dist/tls.mjs` */
function bundleOf(program: string): string {
  const folder = dirname(dirname(program));
  return join(folder, 'dist', `${basename(folder)}.mjs`);
}

/** Puts the kit's health check beside the bundle of what has a contract, and so an admin port: an image is built of one folder. */
async function addHealthcheck(root: string, program: string): Promise<void> {
  const source = join(root, 'sidecars/kit/life/healthcheck.sh');
  const target = join(root, dirname(dirname(program)), 'dist/healthcheck');
  if (existsSync(source) && (await writeIfChanged(target, await readFile(source, 'utf8')))) await chmod(target, 0o755);
}

const PROGRAM = {
  outExtension: { '.js': '.mjs' },
  banner: { js: REQUIRE },
  platform: 'node',
  format: 'esm',
  target: 'node26',
  sourcemap: 'linked',
} as const;
const PAGE = { platform: 'browser', format: 'iife', target: 'es2023' } as const;

/** A file that was made, and the files that are in it. */
interface Output {
  readonly path: string;
  readonly text: string;
  readonly packages: readonly string[];
}

async function compile(
  root: string,
  entryPoints: { in: string; out: string }[],
  options: typeof PROGRAM | typeof PAGE,
): Promise<{ outputs: Output[]; inputs: string[] }> {
  // Loaded only when it is needed: a warm run does without.
  const { build, formatMessages } = await import('esbuild');
  try {
    const { outputFiles, metafile } = await build({
      ...options,
      entryPoints,
      outdir: root,
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      charset: 'utf8',
      logLevel: 'silent',
    });
    const outputs = outputFiles.map(({ path, text }) => ({
      path,
      text,
      packages: path.endsWith('.map') ? [] : usedIn(metafile.outputs[relative(root, path)]!.inputs),
    }));
    return { outputs, inputs: Object.keys(metafile.inputs) };
  } catch (error) {
    const errors = (error as Partial<BuildFailure>).errors;
    if (!errors) throw error;
    const texts = await formatMessages(errors, { kind: 'error', color: false });
    throw new SetupError('failed', 'A program does not compile:', texts.join('').trimEnd().split('\n'));
  }
}

/** What of a package's files left something in an output. */
const usedIn = (inputs: Readonly<Record<string, { bytesInOutput: number }>>): string[] =>
  Object.keys(inputs).filter((input) => inputs[input]!.bytesInOutput > 0);

/** Puts notices at the end, before what names the source map. */
function withNotices(text: string, notices: string): string {
  const at = text.lastIndexOf('\n//# sourceMappingURL=') + 1;
  return notices === '' || at === 0 ? text + notices : text.slice(0, at) + notices + text.slice(at);
}

/** Leaves `require` out of a bundle that does not call it. */
function withBanner(text: string): string {
  const rest = text.slice(REQUIRE.length);
  return /\b(__require|require)\b/.test(rest) ? text : NO_REQUIRE + rest;
}

/** Writes a file in one step, unless it has this content already. Returns whether it wrote. */
async function writeIfChanged(path: string, text: string): Promise<boolean> {
  const current = await readFile(path, 'utf8').catch(() => undefined);
  if (current === text) return false;
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, text);
  await rename(fresh, path);
  return true;
}
