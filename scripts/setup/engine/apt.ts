import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLines, run } from '../../lib/run.ts';
import { type AptSource, deriveSources, formatSources, parseSources, sameArchive } from './apt-sources.ts';
import { digest, noteChanges, notingPackages } from '../changes/record.ts';
import { SetupError } from '../lib/setup-error.ts';

/** Milliseconds that one call of apt-get may take: a slow mirror, and other users of its lock. */
const APT_MS = 300_000;

/** The file names of what setup adds to apt's configuration. */
const SOURCE_FILE = '/etc/apt/sources.list.d/sidecar-stacks.sources';
const PIN_FILE = '/etc/apt/preferences.d/sidecar-stacks';

/** Fetches the package lists. Throws SetupError with apt's last words. */
export async function aptUpdate(signal?: AbortSignal, only?: string): Promise<void> {
  // Only the one source, leaving the others' lists alone: a fraction of the time.
  const one = ['-o', `Dir::Etc::sourcelist=${only}`, '-o', 'Dir::Etc::sourceparts=-', '-o', 'APT::Get::List-Cleanup=0'];
  await aptGet(['update', ...(only ? one : [])], signal);
}

/**
 * Installs packages (`name` or `name/suite`) without asking, without what they merely recommend,
 * and without removing any other package. Throws SetupError with apt's last words.
 */
export async function aptInstall(packages: readonly string[], signal?: AbortSignal): Promise<void> {
  const careful = ['-y', '--no-install-recommends', '--no-remove', '-o', 'Dpkg::Options::=--force-confold'];
  await notingPackages(() => aptGet(['install', ...careful, ...packages], signal));
}

/**
 * Makes the packages of Debian release `to` available for being named (`package/to`), from the
 * mirrors that the machine uses for its own release `from`, at a priority so low that nothing else
 * is ever taken from there. Does nothing when the machine knows that release already.
 * Needs package lists (aptUpdate). Returns the mirror's address.
 * Throws SetupError when the machine has no source of Debian's main archive.
 */
export async function addRelease(from: string, to: string, signal?: AbortSignal): Promise<string> {
  const known = (await debianArchives(signal)).find(({ codename }) => codename === to);
  if (known) return known.uri;
  const derived = await mirrorsFor(from, to, signal);
  const [main] = derived;
  if (!main) {
    throw new SetupError('failed', `Found no source of Debian ${from} among apt's sources to derive ${to} from.`, [
      'Add one, or install Docker Engine by hand: https://docs.docker.com/engine/install/debian/',
    ]);
  }
  const why = `# Written by sidecar-stacks' setup, for the container engine; see ${PIN_FILE}.\n`;
  await writeNoted(SOURCE_FILE, why + formatSources(derived));
  await writeNoted(
    PIN_FILE,
    `# Below what is installed: ${to} serves only the packages that were asked from it by name.\n` +
      `Package: *\nPin: release n=${to}*\nPin-Priority: 100\n`,
  );
  await aptUpdate(signal, SOURCE_FILE);
  return main.uris.join(' ');
}

/** Write a file of ours, noted first: an end in between leaves nothing that nobody knows of. */
async function writeNoted(file: string, text: string): Promise<void> {
  noteChanges({ files: { [file]: digest(text) } });
  await writeFile(file, text);
}

/** Debian's own mirrors of a release by the machine's sources; empty elsewhere than on Debian. */
export async function mirrorsFor(from: string, to: string, signal?: AbortSignal): Promise<AptSource[]> {
  const origins = await debianArchives(signal);
  return deriveSources(await readSources(), {
    from,
    to,
    isDebian: (uri) => origins.some((origin) => sameArchive(origin.uri, uri)),
  });
}

/** The archives among apt's sources that say themselves that they are Debian's. */
async function debianArchives(signal?: AbortSignal): Promise<{ uri: string; codename: string }[]> {
  const format = '$(ORIGIN)|$(CODENAME)|$(REPO_URI)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    timeoutMs: 30_000,
    signal,
  });
  return stdout.split('\n').flatMap((line) => {
    const [origin, codename = '', uri = ''] = line.split('|');
    return origin === 'Debian' ? [{ uri, codename }] : [];
  });
}

async function readSources(): Promise<AptSource[]> {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? (await readdir(folder)).sort().map((name) => join(folder, name)) : [];
  const files = ['/etc/apt/sources.list', ...parts].filter(
    (path) => /\.(list|sources)$/.test(path) && existsSync(path),
  );
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8')));
  return files.flatMap((path, i) => parseSources(path, texts[i] ?? ''));
}

/** Run apt-get without questions. Throws SetupError with its last words. */
export async function aptGet(args: readonly string[], signal?: AbortSignal): Promise<void> {
  // An interrupt is what apt-get takes at a safe moment: not while dpkg unpacks.
  const result = await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    timeoutMs: APT_MS,
    endWith: 'SIGINT',
    env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    signal,
  });
  if (result.exitCode === 0) return;
  signal?.throwIfAborted();
  const what = result.ended === 'timeout' ? `took more than ${APT_MS / 1000} s` : 'failed';
  throw new SetupError('failed', `apt-get ${args[0]} ${what}:`, lastLines(result.stderr || result.stdout, 8));
}
