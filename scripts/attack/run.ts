/**
 * Run a suite: the sidecar as a container with the catalogue's memory limit, hostile clients and one good client in its
 * pod. Every attack has a verdict of its own; a sidecar that was ended by the kernel, or ended, fails it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { EngineError } from '../lib/engine.ts';
import { Project } from '../lib/compose.ts';
import { buildImages } from '../lib/images.ts';
import { setup } from '../setup/setup.ts';
import type { AttackReport } from './hostile.ts';
import { loadSuite } from './suite.ts';
import type { Witnessed } from './witness.ts';

/** Where the repository is in the pod. */
const HERE = '/repository/scripts/attack';
/** For all that an attack left to be gone, in seconds. */
const SETTLE = 60;
/** The good client goes on for so long after an attack, in seconds. */
const AFTER = 1;
/** How long the good client waits for one answer, in seconds. */
const PATIENCE = 10;
/** How often memory is looked at, in milliseconds. */
const LOOK = 500;

export interface AttackOptions {
  /** Only these; all of the suite when empty. */
  readonly attacks?: readonly string[];
  readonly seed: number;
  /** Of each attack. */
  readonly seconds: number;
  /** How long the good client waits for one answer, in seconds; 10 when absent. */
  readonly patience?: number;
  /** One verdict for all attacks, which follow each other at once: counts return to zero after the last one. */
  readonly together?: boolean;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** What came of one attack. */
export interface Verdict extends Witnessed {
  /** Its name, or the names of those that are judged together. */
  readonly attack: string;
  /** Memory that is the container's own, at most, and its limit, in MB. */
  readonly memory: number;
  readonly limit: number;
  /** Why it failed; empty when it did not. */
  readonly faults: readonly string[];
}

/**
 * Run attacks, one after the other.
 * @throws when the pod cannot be had, or an attack is none
 */
export async function runSuite(name: string, options: AttackOptions): Promise<Verdict[]> {
  const { signal, progress, seed, seconds, patience = PATIENCE } = options;
  const suite = await loadSuite(name);
  const names = options.attacks?.length ? options.attacks : Object.keys(suite.attacks);
  for (const each of names) if (!(each in suite.attacks)) throw new Error(`${name} has no attack ${each}`);
  await setup({ say: progress, signal });
  const project = new Project({
    name: `sidecar-stacks-attack-${name}-${process.pid}`,
    dir: join(import.meta.dirname, name),
  });
  try {
    await buildImages(project, undefined, { signal });
    await project.up([], { signal });
    const verdicts: Verdict[] = [];
    for (const attacks of options.together ? [names] : names.map((each) => [each])) {
      signal.throwIfAborted();
      const verdict = await runAttacks(project, attacks);
      verdicts.push(verdict);
      progress(lineOf(verdict));
    }
    return verdicts;
  } finally {
    await project.down({ timeoutMs: 60_000 });
  }

  async function runAttacks(project: Project, attacks: readonly string[]): Promise<Verdict> {
    const lasts = attacks.length * seconds;
    const running = new AbortController();
    const watched = [suite.sidecar, ...(suite.besides ?? [])].map((service) => watch(project, service, running.signal));
    const [witnessed, hostile] = await Promise.all([
      run(
        project,
        'good',
        ['witness.ts', name, String(lasts + AFTER), String(SETTLE), String(patience)],
        lasts + SETTLE + patience,
      ),
      run(project, 'hostile', ['hostile.ts', name, String(seed), String(seconds), ...attacks], lasts),
    ]).finally(() => running.abort());
    const report = JSON.parse(witnessed) as Witnessed;
    const { rounds, successes } = JSON.parse(hostile) as AttackReport;
    const seen = await Promise.all(watched);
    const faults = [
      ...successes,
      ...report.failures.map((failure) => `the good client: ${failure}`),
      ...report.wrong.map((line) => `not zero: ${line}`),
      ...attacks
        .filter((each) => !rounds[each] && !successes.some((success) => success.startsWith(`${each}:`)))
        .map((each) => `the attack did nothing: ${each}`),
      ...(report.requests === 0 ? ['the good client did nothing'] : []),
      ...seen.flatMap((each) => each.faults),
    ];
    const { memory, limit } = seen[0]!;
    return { ...report, attack: attacks.join('; '), memory, limit, faults };
  }

  /** @returns the last line of a program's output */
  async function run(project: Project, service: string, args: readonly string[], lasts: number): Promise<string> {
    const [program = '', ...rest] = args;
    const output = await project
      .exec(service, ['node', `${HERE}/${program}`, ...rest], { timeoutMs: (lasts + 60) * 1000, signal })
      .catch((error: unknown) => {
        // Its last line is but the version of Node; what it died of is above.
        if (error instanceof EngineError) throw new Error(`${program}: ${error.stderr.join('\n')}`, { cause: error });
        throw error;
      });
    return output.trimEnd().split('\n').at(-1)!;
  }
}

/** What was seen of a container while it was attacked. */
interface Watched {
  readonly memory: number;
  readonly limit: number;
  readonly faults: readonly string[];
}

/** Look at a container until the signal: whether it goes on, and how much memory it takes at most. */
async function watch(project: Project, service: string, signal: AbortSignal): Promise<Watched> {
  const before = await project.inspect(service);
  const limit = before.HostConfig.Memory / 2 ** 20;
  const memory = await peakOf(project, service, signal);
  const after = await project.inspect(service);
  const ended =
    after.State.OOMKilled || after.RestartCount !== before.RestartCount || after.State.Pid !== before.State.Pid;
  return {
    memory,
    limit,
    faults: [
      ...(ended ? [`${service} ended`] : []),
      ...(memory >= limit ? [`${service}: ${memory.toFixed(0)} MB of ${limit} MB`] : []),
    ],
  };
}

/** The most memory in MB that a container had of its own, of both versions of control groups, until the signal. */
async function peakOf(project: Project, service: string, signal: AbortSignal): Promise<number> {
  let peak = 0;
  while (!signal.aborted) {
    const stat = await project
      .exec(service, [
        'sh',
        '-c',
        'cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null || true',
      ])
      .catch(() => '');
    const bytes = /^(?:anon|total_rss) (\d+)$/m.exec(stat)?.[1];
    peak = Math.max(peak, Number(bytes ?? 0) / 2 ** 20);
    await sleep(LOOK, undefined, { signal }).catch(() => {});
  }
  return peak;
}

/** A verdict in one line, and a line for each fault. */
export function lineOf({ attack, memory, limit, requests, p99, slowest, adminSlowest, faults }: Verdict): string {
  const figures = `${memory.toFixed(0)} of ${limit} MB, ${requests} good requests, p99 ${p99} ms, slowest ${slowest} ms, admin ${adminSlowest} ms`;
  return [`${faults.length === 0 ? 'ok' : 'FAILED'} ${attack}: ${figures}`, ...faults.map((each) => `  ${each}`)].join(
    '\n',
  );
}
