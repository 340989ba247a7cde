import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lastLines, run } from '../../lib/run.ts';
import { mirrorsFor } from '../engine/apt.ts';
import { type AptSource, formatSources } from '../engine/apt-sources.ts';
import type { BaseImage } from './table.ts';
import { SetupError } from '../lib/setup-error.ts';
import { findSystem } from '../engine/system.ts';

/** Milliseconds for one archive; about 8 s of them are work, the rest is for a slow mirror. */
const BUILD_MS = 240_000;

/** What the official slim images leave out: documentation and translations, but no licence. */
const LEFT_OUT = ['man', 'info', 'locale', 'groff', 'lintian', 'linda'].map((name) => `/usr/share/${name}`);

/** The rule for what a Dockerfile installs later. */
const DPKG_RULES = [
  'path-exclude /usr/share/doc/*',
  'path-include /usr/share/doc/*/copyright',
  ...LEFT_OUT.map((folder) => `path-exclude ${folder}/*`),
];

/** What the official images' apt is told: no translations, nothing kept after an installation. */
const APT_RULES = [
  'Acquire::Languages "none";',
  'APT::AutoRemove::SuggestsImportant "false";',
  'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };',
];

/** bookworm merges /usr by a package that needs all of perl, unless it is merged from the start. */
const RELEASE_ARGS: Partial<Record<BaseImage['release'], string[]>> = {
  bookworm: ['--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr', '--include=usr-is-merged'],
};

/**
 * Runs last, as a shell script with the new system's folder in $1. Removing what is left out takes
 * half the time of having dpkg leave it out. The two files of /etc are the engine's to supply.
 */
const FINISH = [
  'set -e; cd "$1"',
  'find usr/share/doc -type f ! -name copyright -delete',
  `rm -rf ${LEFT_OUT.map((folder) => `.${folder}/*`).join(' ')}`,
  'rm -f etc/hostname etc/resolv.conf var/log/*.log var/log/apt/* var/cache/ldconfig/aux-cache',
  `printf '%s\\n' ${DPKG_RULES.map((rule) => `'${rule}'`).join(' ')} >etc/dpkg/dpkg.cfg.d/slim`,
  `printf '%s\\n' ${APT_RULES.map((rule) => `'${rule}'`).join(' ')} >etc/apt/apt.conf.d/slim`,
].join('\n');

/**
 * Makes a Debian system from packages by mmdebstrap, as an archive: what is required, and apt, as the official
 * slim images are; with libatomic1, a few kilobytes that Node needs. Needs no engine.
 * @param folder where the archive is written
 * @returns the archive's path
 * @throws {SetupError}
 */
export async function makeArchive(
  release: BaseImage['release'],
  { folder, arch, signal }: { folder: string; arch: string; signal?: AbortSignal | undefined },
): Promise<string> {
  const tar = join(folder, `${release}.tar`);
  const mirrors = usable(await hostMirrors(release, signal));
  const overHttps = mirrors.some(({ uris }) => uris.some((uri) => uri.startsWith('https:')));
  const args = [
    '--quiet',
    '--variant=minbase',
    `--architectures=${arch}`,
    `--include=${['libatomic1', ...(overHttps ? ['ca-certificates'] : [])].join(',')}`,
    ...(RELEASE_ARGS[release] ?? []),
    `--customize-hook=${FINISH}`,
    release,
    tar,
    ...(mirrors.length > 0 ? ['-'] : []),
  ];
  const made = await run('mmdebstrap', args, {
    input: formatSources(mirrors),
    timeoutMs: BUILD_MS,
    env: { LC_ALL: 'C.UTF-8' },
    signal,
  });
  if (made.exitCode !== 0) {
    signal?.throwIfAborted();
    const what = made.ended === 'timeout' ? `took more than ${BUILD_MS / 1000} s` : 'failed';
    throw new SetupError('failed', `mmdebstrap ${release} ${what}:`, lastLines(made.stderr, 8));
  }
  await addPolicy(join(folder, `${release}.policy`), tar, signal);
  return tar;
}

/**
 * Adds the file by which services do not start while an image is built. mmdebstrap has one of its
 * own while it works and removes it in the end, so this one goes into the archive.
 */
async function addPolicy(folder: string, tar: string, signal?: AbortSignal): Promise<void> {
  const path = 'usr/sbin/policy-rc.d';
  await mkdir(join(folder, dirname(path)), { recursive: true });
  await writeFile(join(folder, path), '#!/bin/sh\nexit 101\n');
  const owned = ['--owner=root:0', '--group=root:0', '--mode=0755'];
  const added = await run('tar', ['--append', `--file=${tar}`, `--directory=${folder}`, ...owned, `./${path}`], {
    signal,
  });
  signal?.throwIfAborted();
  if (added.exitCode !== 0) throw new SetupError('failed', 'tar failed:', lastLines(added.stderr, 3));
}

/** The machine's own Debian mirrors for this release, none on Ubuntu: mmdebstrap then uses Debian's. */
async function hostMirrors(release: string, signal?: AbortSignal): Promise<AptSource[]> {
  const { id, codename } = findSystem();
  return id === 'debian' ? await mirrorsFor(codename, release, signal) : [];
}

/**
 * The mirrors, if an image can use them as they stand: reached by http(s) at no address of this
 * machine, and trusted by keys that are in the image; otherwise none.
 */
export function usable(mirrors: readonly AptSource[]): readonly AptSource[] {
  const fits = mirrors.every(
    ({ uris, options }) =>
      uris.every((uri) => /^https?:\/\//.test(uri) && !/^https?:\/\/(localhost|127\.|\[::1\])/.test(uri)) &&
      /^(|\n.*|\/usr\/share\/keyrings\/debian-archive-keyring\.(gpg|pgp))$/s.test(options['Signed-By'] ?? ''),
  );
  return fits ? mirrors : [];
}
