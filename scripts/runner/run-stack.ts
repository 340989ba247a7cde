/** One run of one stack: up, the scenario, on failure artifacts, down. */
import { randomBytes } from 'node:crypto';
import { freePorts } from '#kit/testing/ports.ts';
import { thisClone } from '../lib/clone.ts';
import { EngineError } from '../lib/engine.ts';
import { Project } from '../lib/compose.ts';
import { lastLines } from '../lib/run.ts';
import type { Stack } from '../lib/stacks.ts';
import { downOnKubernetes, upOnKubernetes } from '../kubernetes/up.ts';
import { layoutFile, removeLayout } from '../lib/layout-file.ts';
import { upOnPodman } from '../podman/up.ts';
import { driverOf } from '../scenario/driver-of.ts';
import { writeArtifacts } from './artifacts.ts';
import type { Failure, Phase, RunEvent, RunResult } from './events.ts';
import { engineAnswers, engineGone, explainUp, unexpected } from './failure.ts';
import { enterRun, leaveRun } from './runs.ts';
import { followCrashes, type CrashLoop } from './crash-loops.ts';
import { tagForRun, untagForRun } from './own-images.ts';
import { tearDown } from './tear-down.ts';
import { runScenario, type ScenarioOutcome } from './scenario-process.ts';

export const ON = ['compose', 'podman', 'kubernetes'] as const;
export type On = (typeof ON)[number];

export interface RunOptions {
  /** Leave it up: always (but when interrupted), only when all went well, or never. */
  readonly keep: 'always' | 'when-ok' | 'never';
  /** Pin the published ports to those of the stack's .env, in the project that plain compose uses. */
  readonly pinned: boolean;
  /** False: only up and down, for measuring the runner itself. */
  readonly checks: boolean;
  /** Deadline of each of up and the scenario, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  /** What the stack runs on: docker compose; or, as it is exported, podman or a cluster of Kubernetes. */
  readonly on?: On;
  /** The context of kubectl for it, where it is not the current one. */
  readonly context?: string | undefined;
  /** Services whose images have no name in the compose file; see own-images.ts. */
  readonly nameless?: readonly string[];
}

const LOG_LINES = 12;
/** How often free ports are tried again after somebody else took one between our choice and `up`. */
const PORT_ATTEMPTS = 3;

/**
 * Run one stack. Never throws: what went wrong is in the result.
 * @param stack the stack
 * @param options see RunOptions
 */
export async function runStack(stack: Stack, options: RunOptions): Promise<RunResult> {
  const { emit, signal } = options;
  const asPods = options.on === 'podman' || options.on === 'kubernetes';
  const name = options.pinned
    ? `sidecar-stacks-${stack.name}${(await thisClone()).suffix}`
    : `sidecar-stacks-${stack.name}-${randomBytes(3).toString('hex')}`;
  const id = { stack: stack.name, run: name };
  const since = Date.now();
  const started = performance.now();
  const phases: Partial<Record<Phase, number>> = {};
  const failures: Failure[] = [];
  let project = new Project({ name, dir: stack.dir, env: pinnedPorts(stack) });
  let outcome: ScenarioOutcome = { obligations: [], output: '' };

  /** Time a phase; a failure ends the run's forward part. */
  const phase = async (which: Phase, work: () => Promise<Failure | undefined>): Promise<boolean> => {
    const begin = performance.now();
    emit({ event: 'phase', ...id, phase: which, state: 'start' });
    const failure = await work().catch(unexpected);
    phases[which] = Math.round(performance.now() - begin);
    if (failure)
      failures.push(
        signal.aborted && which !== 'down'
          ? { reason: 'interrupted', message: `Interrupted during ${which}.` }
          : failure,
      );
    emit({ event: 'phase', ...id, phase: which, state: failure ? 'failed' : 'done', ms: phases[which] });
    return failure === undefined;
  };

  enterRun(name, stack.name);
  const crashes = options.checks ? followCrashes(name) : undefined;
  let checksSince = Infinity;
  const isUp = await phase('up', async () => {
    if (options.pinned) await project.down({ timeoutMs: options.timeout, signal });
    await tagForRun(stack, name, options.nameless ?? []);
    for (let attempt = 1; ; attempt++) {
      if (!options.pinned) project = new Project({ name, dir: stack.dir, env: await portsOfRun(stack) });
      const failure = await (asPods ? upPods(project, options) : up(project, options));
      if (failure?.reason !== 'port-in-use' || options.pinned || attempt === PORT_ATTEMPTS) return failure;
      await project.down({ timeoutMs: options.timeout, signal });
    }
  });
  if (isUp && options.checks) {
    checksSince = Date.now();
    await phase('check', async () => {
      outcome = await runScenario(stack, project, {
        ...options,
        inOrder: options.pinned,
        layout: asPods ? layoutFile(name) : undefined,
      });
      const failed = outcome.obligations.filter((each) => each.state === 'failed');
      if (outcome.failure) return outcome.failure;
      return failed.length === 0
        ? undefined
        : { reason: 'obligation', message: `${failed.length} of ${outcome.obligations.length} obligations failed.` };
    });
    if (failures.length > 0 && !signal.aborted && !(await engineAnswers())) failures.unshift(engineGone(project));
  }
  for (const loop of (await crashes?.stop(checksSince)) ?? []) {
    // Before that, the failure of 'up' names the container.
    if (!isUp || signal.aborted) continue;
    if (loop.still) failures.push(await explainLoop(project, loop));
    else emit({ event: 'note', text: `${stack.name}: ${crashSentence(loop)} It runs again.` });
  }
  if (failures.length > 0 && !signal.aborted) {
    const artifacts = await writeArtifacts(
      stack.name,
      asPods ? driverOf(project, layoutFile(name)) : project,
      since,
      outcome.output,
    );
    failures.splice(0, 1, { ...failures[0]!, artifacts });
  }
  const kept = !signal.aborted && (options.keep === 'always' || (options.keep === 'when-ok' && failures.length === 0));
  if (!kept)
    await phase('down', async () => {
      if (options.on === 'kubernetes') await downOnKubernetes(name);
      const failure = await tearDown(project, { interrupted: signal.aborted });
      if (!failure) await untagForRun(name, options.nameless ?? []);
      removeLayout(name);
      return failure;
    });
  if (kept || !failures.some((failure) => failure.reason === 'teardown')) leaveRun(name);

  const result: RunResult = {
    ...id,
    kept,
    phases,
    failures,
    ports: project.env,
    ok: failures.length === 0,
    ms: Math.round(performance.now() - started),
    obligations: outcome.obligations,
  };
  emit({ event: 'result', ...id, result });
  return result;
}

const crashSentence = ({ service, container, crashes, exitCode }: CrashLoop): string =>
  `${service} (container ${container}) crashed ${crashes} times in a row, last with exit code ${exitCode}.`;

async function explainLoop(project: Project, loop: CrashLoop): Promise<Failure> {
  const log = await project.logs(loop.container, LOG_LINES).catch(() => '');
  return {
    reason: 'crash-loop',
    container: loop.container,
    message: crashSentence(loop),
    log: lastLines(log, LOG_LINES),
  };
}

async function upPods(
  project: Project,
  { on, context, timeout, signal, emit }: RunOptions,
): Promise<Failure | undefined> {
  const options = { timeoutMs: timeout, signal, say: (text: string) => emit({ event: 'note', text }) };
  try {
    await (on === 'podman' ? upOnPodman(project, options) : upOnKubernetes(project, { ...options, context }));
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) return { reason: 'pods', message: (error as Error).message };
    return /port is already allocated|address already in use/i.test(error.stderr.join())
      ? { reason: 'port-in-use', message: error.message }
      : { reason: 'pods', message: error.message, log: error.stderr };
  }
}

async function up(project: Project, { timeout, signal }: RunOptions): Promise<Failure | undefined> {
  try {
    await project.up([], { timeoutMs: timeout, signal });
    return undefined;
  } catch (error) {
    const failure = await explainUp(project, error);
    const late = error instanceof EngineError && error.reason === 'timeout';
    return late
      ? {
          ...failure,
          reason: 'timeout',
          message: `${project.name} was not up within ${timeout / 1000} s. ${failure.message}`,
        }
      : failure;
  }
}

async function portsOfRun(stack: Stack): Promise<Record<string, string>> {
  const ports = await freePorts(stack.portVariables.length);
  return Object.fromEntries(stack.portVariables.map((variable, index) => [variable, String(ports[index])]));
}

const pinnedPorts = (stack: Stack): Record<string, string> =>
  Object.fromEntries(stack.portVariables.map((variable) => [variable, process.env[variable] ?? stack.env[variable]!]));
