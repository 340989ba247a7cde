/**
 * What setup changed on this machine, written down as it changes it, so that unsetup takes back
 * exactly that. It lies outside the repository: a machine has one, whichever clone did it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { run } from '../../lib/run.ts';

export const RECORD = '/var/lib/sidecar-stacks/setup.json';

export interface Changes {
  /** Packages that were not installed before, dependencies too. */
  readonly packages: readonly string[];
  /** Packages that were there in another version, which may be gone from the mirrors. */
  readonly upgraded: readonly string[];
  /** Files that were written, with the SHA-256 of what they were given. */
  readonly files: Readonly<Record<string, string>>;
  /** The engine's service was enabled at boot, and was not before. */
  readonly enabled: boolean;
  /** The daemon that was started without a service manager. */
  readonly daemon?: { readonly pid: number; readonly started: string } | undefined;
}

const NOTHING: Changes = { packages: [], upgraded: [], files: {}, enabled: false };

/** The changes so far, undefined when setup changed nothing. */
export function readChanges(file = RECORD): Changes | undefined {
  return existsSync(file) ? { ...NOTHING, ...(JSON.parse(readFileSync(file, 'utf8')) as Partial<Changes>) } : undefined;
}

/** Add to the record. */
export function noteChanges(more: Partial<Changes>, file = RECORD): void {
  const before = readChanges(file) ?? NOTHING;
  const union = (a: readonly string[], b: readonly string[] = []): string[] => [...new Set([...a, ...b])];
  const after: Changes = {
    packages: union(before.packages, more.packages),
    upgraded: union(before.upgraded, more.upgraded),
    files: { ...before.files, ...more.files },
    enabled: before.enabled || (more.enabled ?? false),
    daemon: more.daemon ?? before.daemon,
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(after, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

export function forgetChanges(file = RECORD): void {
  rmSync(dirname(file), { recursive: true, force: true });
}

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** When a process started, in the system's own words; undefined when there is none by that id. */
export function startOf(pid: number): string | undefined {
  try {
    // Field 22 of proc(5)'s stat, counted after the command, which may hold blanks.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Installed packages with their versions. */
export async function installedPackages(): Promise<Map<string, string>> {
  const format = '${db:Status-Status} ${binary:Package} ${Version}\n';
  const { stdout } = await run('dpkg-query', ['-W', '-f', format], { timeoutMs: 30_000 });
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [status, name = '', version = ''] = line.split(' ');
      return status === 'installed' ? [[name, version] as const] : [];
    }),
  );
}

/** Do something that installs packages, and note what it installed, also when it fails half way. */
export async function notingPackages<T>(work: () => Promise<T>): Promise<T> {
  const before = await installedPackages();
  try {
    return await work();
  } finally {
    const after = await installedPackages();
    const packages = [...after.keys()].filter((name) => !before.has(name));
    const upgraded = [...before].filter(([name, version]) => (after.get(name) ?? version) !== version);
    if (packages.length + upgraded.length > 0) noteChanges({ packages, upgraded: upgraded.map(([name]) => name) });
  }
}
