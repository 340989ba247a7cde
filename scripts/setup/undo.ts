/** Taking back what setup changed on this machine, and nothing else. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { lastLines, run } from '../lib/run.ts';
import type { Finding } from '../lib/findings.ts';
import { aptGet, aptUpdate } from './engine/apt.ts';
import { DAEMON_LOG } from './engine/daemon.ts';
import { SetupError } from './lib/setup-error.ts';
import { type Changes, digest, forgetChanges, installedPackages, readChanges, startOf } from './changes/record.ts';

/** The package's own script deletes every image and volume when it is purged, if it finds this. */
const NUKE = '/var/lib/docker/nuke-graph-directory.sh';
const END_MS = 30_000;

export interface UndoOptions {
  /** Only say what would be done. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Undo it. What a person changed since stays, and is said.
 * @throws {SetupError} when the engine that setup installed runs other people's containers, or apt fails
 */
export async function undo({ dryRun, signal }: UndoOptions): Promise<Finding[]> {
  const changes = readChanges();
  if (!changes) return [];
  const findings: Finding[] = [];
  const done = (name: string, text: string): void => void findings.push({ mark: 'ok', name, text });
  const stays = (name: string, text: string): void => void findings.push({ mark: 'note', name, text });
  const will = dryRun ? 'would be' : 'was';

  const engineIsOurs = changes.packages.some((name) => /^docker\.io\b/.test(name));
  if (engineIsOurs || changes.daemon) await refuseWhenUsed();

  if (changes.enabled) {
    if (!dryRun)
      await run('systemctl', ['disable', '--now', 'docker.service', 'docker.socket'], { timeoutMs: END_MS, signal });
    done('service', `docker ${will} stopped, and disabled at boot`);
  }
  const { daemon } = changes;
  if (daemon && startOf(daemon.pid) === daemon.started) {
    if (!dryRun) await endDaemon(daemon.pid);
    done('engine', `process ${daemon.pid} ${will} ended`);
  }
  const there = await installedPackages();
  const packages = changes.packages.filter((name) => there.has(name));
  const needed = await neededByOthers(packages, signal);
  const gone = packages.filter((name) => !needed.has(name));
  if (gone.length > 0) {
    if (!dryRun) {
      await aptGet(['remove', '-y', ...gone], signal);
      rmSync(NUKE, { force: true });
      await aptGet(['purge', '-y', ...gone], signal);
    }
    done('packages', `${gone.join(' ')} ${will} removed`);
  }
  for (const [name, by] of needed) stays('package', `${name} stays: ${by} needs it`);
  const written = Object.entries(changes.files).filter(([file]) => existsSync(file));
  const ours = written.filter(([file, sum]) => digest(readFileSync(file, 'utf8')) === sum).map(([file]) => file);
  for (const [file] of written) if (!ours.includes(file)) stays('file', `${file} stays: it was changed since`);
  for (const file of ours) {
    if (!dryRun) rmSync(file);
    done('file', `${file} ${will} removed`);
  }
  // The lists of a source that is no more go, too.
  if (!dryRun && ours.length > 0) await aptUpdate(signal);

  for (const line of leftovers(changes, engineIsOurs)) stays('left', line);
  if (!dryRun) forgetChanges();
  return findings;
}

function leftovers(changes: Changes, engineIsOurs: boolean): string[] {
  return [
    ...(engineIsOurs && existsSync('/var/lib/docker')
      ? [
          "/var/lib/docker stays, with the engine's images and volumes; its bridge docker0 stays until the next boot, and the group docker",
        ]
      : []),
    ...(changes.daemon && existsSync(DAEMON_LOG) ? [`${DAEMON_LOG} stays`] : []),
    ...(changes.upgraded.length > 0 ? [`newer versions stay: ${changes.upgraded.join(' ')}`] : []),
  ];
}

/** An engine that somebody uses is not taken away. */
async function refuseWhenUsed(): Promise<void> {
  const format = `{{.Names}} {{.Label "${STACK_LABEL}"}}`;
  const listed = await docker(['ps', '--format', format], { timeoutMs: 10_000 }).catch(() => '');
  const others = listed.split('\n').filter((line) => line !== '' && line.endsWith(' '));
  if (others.length > 0)
    throw new SetupError('refused', 'Containers that are not ours run in the engine that setup installed:', [
      ...others.map((name) => name.trim()),
      'End them first, or keep the engine.',
    ]);
}

/**
 * Packages that cannot go without others that setup did not install.
 * @returns each with one that needs it
 */
async function neededByOthers(packages: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
  const needed = new Map<string, string>();
  for (let left = [...packages]; left.length > 0;) {
    const removals = async (names: readonly string[]): Promise<string[]> => {
      const { stdout } = await run('apt-get', ['-s', 'remove', ...names], { timeoutMs: 60_000, signal });
      return [...stdout.matchAll(/^Remv (\S+)/gm)].map(([, name]) => name!.replace(/:.*$/, ''));
    };
    const bare = new Set(packages.map((name) => name.replace(/:.*$/, '')));
    const extra = (await removals(left)).find((name) => !bare.has(name));
    if (extra === undefined) return needed;
    // Few packages, and rarely anything to find out: one by one.
    const before = needed.size;
    for (const name of left) if ((await removals([name])).includes(extra)) needed.set(name, extra);
    if (needed.size === before) for (const name of left) needed.set(name, extra);
    left = left.filter((name) => !needed.has(name));
  }
  return needed;
}

async function endDaemon(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + END_MS;
  while (startOf(pid) !== undefined && !isZombie(pid)) {
    if (Date.now() > deadline)
      throw new SetupError(
        'failed',
        `The engine (process ${pid}) does not end.`,
        lastLines(readFileSync(DAEMON_LOG, 'utf8'), 5),
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** It has ended, and nobody has asked for its exit code. */
const isZombie = (pid: number): boolean => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, ''));
