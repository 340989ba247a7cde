/** Runs a stack's scenario.ts in a process of its own and believes nothing but what it saw. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_VARIABLE, type ScenarioMessage } from '../lib/scenario.ts';
import type { Project } from '../lib/compose.ts';
import type { Stack } from '../lib/stacks.ts';
import type { Failure, ObligationResult, RunEvent } from './events.ts';

export interface ScenarioOptions {
  /** Deadline for the whole scenario, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
}

export interface ScenarioOutcome {
  readonly obligations: readonly ObligationResult[];
  /** What is wrong beyond single obligations. */
  readonly failure?: Failure;
  readonly output: string;
}

const OUTPUT_LIMIT = 1_000_000;

/**
 * Run the scenario of a stack against a project that is up.
 *
 * uvu exits with 0 although nothing passed when a test file forgets to run, a hook throws, or a
 * pattern matches nothing; so a scenario passes only when it announced its obligations, each was
 * seen to pass, and the process ended by itself with 0.
 */
export async function runScenario(
  stack: Stack,
  project: Project,
  { timeout, signal, emit }: ScenarioOptions,
): Promise<ScenarioOutcome> {
  const id = { stack: stack.name, run: project.name };
  const child = fork(join(stack.dir, 'scenario.ts'), [], {
    cwd: stack.dir,
    env: { ...process.env, ...project.env, [PROJECT_VARIABLE]: project.name, FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A Ctrl-C on the terminal is for the runner, which ends the scenario itself.
    detached: true,
  });
  const obligations: ObligationResult[] = [];
  let output = '';
  const collect = (chunk: Buffer): void => {
    const text = chunk.toString();
    if (output.length < OUTPUT_LIMIT) output += text;
    emit({ event: 'output', ...id, text });
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  child.on('message', (message: ScenarioMessage) => {
    if (message.type === 'plan') {
      obligations.push(...message.obligations.map((name) => ({ name, state: 'not-run' as const, ms: 0 })));
      emit({ event: 'plan', ...id, obligations: message.obligations });
    } else if (message.type === 'say') emit({ event: 'say', ...id, text: message.text });
    else {
      const { name } = obligations[message.index]!;
      if (message.type === 'start') {
        emit({ event: 'obligation', ...id, index: message.index, name, state: 'start', say: message.say });
      } else {
        const { ms, failure } = message;
        const state = failure ? 'failed' : 'passed';
        obligations[message.index] = { name, state, ms, ...(failure && { failure }) };
        emit({ event: 'obligation', ...id, index: message.index, name, state, ms, ...(failure && { failure }) });
      }
    }
  });

  let ended: 'timeout' | 'interrupted' | undefined;
  const end = (why: typeof ended): void => {
    ended ??= why;
    // The whole group: a scenario may have started programs of its own.
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It ended by itself just now.
    }
  };
  const timer = setTimeout(() => end('timeout'), timeout);
  const onAbort = (): void => end('interrupted');
  signal.addEventListener('abort', onAbort, { once: true });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
  const failure = judge(obligations, code, ended, timeout);
  return { obligations, output, ...(failure && { failure }) };
}

function judge(
  obligations: readonly ObligationResult[],
  code: number | null,
  ended: 'timeout' | 'interrupted' | undefined,
  timeout: number,
): Failure | undefined {
  const unfinished = obligations.find((each) => each.state === 'not-run')?.name;
  const at = unfinished === undefined ? '' : ` It had not ended: "${unfinished}".`;
  if (ended === 'interrupted') return { reason: 'interrupted', message: 'Interrupted while the scenario ran.' };
  if (ended === 'timeout')
    return { reason: 'timeout', message: `The scenario was not done within ${timeout / 1000} s and was ended.${at}` };
  if (obligations.length === 0) {
    return {
      reason: 'no-obligations',
      message: `The scenario announced no obligations (exit code ${code}): does scenario.ts call run() at its end, and does it load?`,
    };
  }
  const failed = obligations.filter((each) => each.state === 'failed').length;
  if (failed > 0) return undefined;
  if (unfinished !== undefined || code !== 0) {
    return {
      reason: 'scenario',
      message: `The scenario's process exited with ${code} although no obligation failed.${at}`,
    };
  }
  return undefined;
}
