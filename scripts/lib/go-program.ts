/**
 * Programs of others that Go builds from the module proxy, each by version and checksum. They are an addition: where
 * they cannot be built, it is told why, and nothing fails. Nothing of their source comes into this repository.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { withLock } from './lock.mjs';
import { lastLines, run } from './run.ts';
import { ROOT } from './stacks.ts';

/** What is built, outside of every clone. */
export const BUILT = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sidecar-stacks');
const BUILD_MS = 60 * 60_000;

/** A program could not be built: no Go, no proxy, or a compiler that is too old. */
export class GoError extends Error {}

export interface GoOptions {
  /** The folder with its go.mod. */
  readonly cwd: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Run `go`.
 * @returns its standard output
 * @throws {GoError}
 */
export async function go(args: readonly string[], options: GoOptions): Promise<string> {
  const { cwd, timeoutMs = BUILD_MS, signal, env = {} } = options;
  // What a user's Go is told elsewhere (-mod=vendor, a workspace) is not meant for this module.
  const own = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod -trimpath -buildvcs=false', GOWORK: 'off', ...env };
  const { exitCode, stdout, stderr, ended } = await run('go', args, { cwd, env: own, timeoutMs, signal });
  signal?.throwIfAborted();
  if (exitCode === 127) throw new GoError('there is no Go here: install it (https://go.dev/dl/), 1.26 or later');
  if (exitCode !== 0)
    throw new GoError([`go ${args[0]} ${ended ?? 'failed'}`, ...lastLines(stderr || stdout, 5)].join('\n'));
  return stdout;
}

/**
 * Build a package into a file, which is there only when it is whole.
 * @param pack a package that the module in `cwd` has or requires, `.` for its own; with `@VERSION`, a module of its own
 * @param to the file
 * @param variables of packages, as the linker sets them (`-X`)
 * @throws {GoError}
 */
export async function compile(
  pack: string,
  to: string,
  { variables = {}, ...options }: GoOptions & { readonly variables?: Readonly<Record<string, string>> },
): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const work = await mkdtemp(join(dirname(to), 'building-'));
  const set = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  const flags = ['-ldflags', ['-s', '-w', ...set].join(' ')];
  try {
    const env = { ...options.env, GOBIN: work };
    if (pack.includes('@')) await go(['install', ...flags, pack], { ...options, env });
    else await go(['build', ...flags, '-o', join(work, basename(to)), pack], options);
    await rename(join(work, basename(to)), to);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Where the folders of `PEERS` are, below the root. */
const PEERS_FOLDER = 'scripts/peers';

/** A folder each, with its go.mod and go.sum; and the package of it that is the program. */
export const PEERS = {
  'oauth2-proxy': 'github.com/oauth2-proxy/oauth2-proxy/v7',
  collector: '.',
  'grpc-go': '.',
} as const;

export type Peer = keyof typeof PEERS;

/** A test's seams. */
interface Places {
  readonly root?: string;
  readonly built?: string;
}

/** Its file, which another version has elsewhere. Whether it is built is another question. */
async function placeOf(peer: Peer, { root = ROOT, built = BUILT }: Places): Promise<string> {
  const folder = join(root, PEERS_FOLDER, peer);
  const hash = createHash('sha256').update(`${process.arch} ${PEERS[peer]}`);
  const names = (await readdir(folder)).filter((name) => /^go\.(?:mod|sum)$|\.go$/.test(name));
  for (const name of names.toSorted()) hash.update(`\n${name}\n`).update(await readFile(join(folder, name)));
  return join(built, 'peers', `${peer}-${hash.digest('hex').slice(0, 12)}`, peer);
}

/**
 * The version of a module that it is built from.
 * @param module as its go.mod names it
 * @throws when go.mod does not
 */
export async function versionIn(peer: Peer, module: string, { root = ROOT }: Places = {}): Promise<string> {
  const text = await readFile(join(root, PEERS_FOLDER, peer, 'go.mod'), 'utf8');
  const line = text.split('\n').find((each) =>
    each
      .trim()
      .replace(/^require /, '')
      .startsWith(`${module} v`),
  );
  if (line === undefined) throw new Error(`go.mod of ${peer} does not name ${module}`);
  return line.trim().split(' v')[1]!.split(' ')[0]!;
}

/** @returns the program's file; undefined where it is not built, as in CI: what needs it is left out by name */
export async function findPeer(peer: Peer, places: Places = {}): Promise<string | undefined> {
  const path = await placeOf(peer, places);
  return existsSync(path) ? path : undefined;
}

/** Why a test without its program is left out. */
export const notBuilt = (peer: Peer): string => `${peer} is not built: npm run peers -- ${peer}`;

/**
 * Build a program of others, which takes minutes the first time and nothing afterwards.
 * @param say gets a line when it has to be built
 * @returns its file, or why it cannot be had on this machine
 */
export async function providePeer(
  peer: Peer,
  say: (line: string) => void,
  { signal, ...places }: Places & { readonly signal?: AbortSignal } = {},
): Promise<{ readonly path: string } | { readonly missing: string }> {
  const path = await placeOf(peer, places);
  try {
    await withLock(`${dirname(path)}.lock`, async () => {
      if (existsSync(path)) return;
      say(`building ${peer} (minutes, the first time)`);
      const cwd = join(places.root ?? ROOT, PEERS_FOLDER, peer);
      // The versions and checksums that are written down, and no others.
      const env = { GOFLAGS: '-mod=readonly -trimpath -buildvcs=false' };
      await compile(PEERS[peer], path, { cwd, signal, env });
    });
    return { path };
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    return { missing: `${peer} cannot be had: ${error.message}` };
  }
}
