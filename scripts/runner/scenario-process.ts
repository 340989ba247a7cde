/** Runs a stack's scenario.ts in a process of its own and trusts only what it observed. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_VARIABLE, type Project } from '../lib/compose.ts';
import { LAYOUT_VARIABLE } from '../lib/layout-file.ts';
import { IN_ORDER_VARIABLE, type ScenarioMessage } from '../scenario/scenario.ts';
import { ended, HELD } from '../lib/ended.ts';
import { faultsIn, WATCH_ARGUMENTS } from '../lib/uvu/findings.ts';
import { crashIn } from './program-error.ts';
import type { Stack } from '../lib/stacks.ts';
import type { Failure, ObligationResult, RunEvent } from './events.ts';

export interface ScenarioOptions {
  /** Deadline for the whole scenario, in milliseconds. */
  readonly timeout: number;
  /** True for a demo: its obligations run strictly one after the other. */
  readonly inOrder: boolean;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  /** The file that says where the stack's pods are; undefined for compose. */
  readonly layout?: string | undefined;
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
  { timeout, inOrder, signal, emit, layout }: ScenarioOptions,
): Promise<ScenarioOutcome> {
  const id = { stack: stack.name, run: project.name };
  const file = join(stack.dir, 'scenario.ts');
  const child = fork(file, [], {
    cwd: stack.dir,
    // A rejection that nobody waits for is an exception, so that no handler of the scenario's keeps it to itself.
    execArgv: [...process.execArgv, '--unhandled-rejections=strict', ...WATCH_ARGUMENTS],
    env: {
      ...process.env,
      ...project.env,
      [PROJECT_VARIABLE]: project.name,
      ...(inOrder && { [IN_ORDER_VARIABLE]: '1' }),
      ...(layout !== undefined && { [LAYOUT_VARIABLE]: layout }),
      FORCE_COLOR: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A Ctrl-C on the terminal is for the runner, which ends the scenario itself.
    detached: true,
  });
  const obligations: ObligationResult[] = [];
  const misuses: string[] = [];
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
    } else if (message.type === 'misuse') misuses.push(message.message);
    else if (message.type === 'say') emit({ event: 'say', ...id, text: message.text });
    else {
      const { name } = obligations[message.index]!;
      if (message.type === 'start') {
        emit({ event: 'obligation', ...id, index: message.index, name, state: 'start', say: message.say });
      } else if (message.type === 'skip') {
        const skipped = { name, state: 'skipped', reason: message.reason, ms: 0 } as const;
        obligations[message.index] = skipped;
        emit({ event: 'obligation', ...id, index: message.index, ...skipped });
      } else {
        const { ms, failure } = message;
        const state = failure ? 'failed' : 'passed';
        obligations[message.index] = { name, state, ms, ...(failure && { failure }) };
        emit({ event: 'obligation', ...id, index: message.index, name, state, ms, ...(failure && { failure }) });
      }
    }
  });

  let endedFor: 'timeout' | 'interrupted' | undefined;
  const end = (why: typeof endedFor): void => {
    endedFor ??= why;
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
  const {
    code,
    signal: signalled,
    held,
  } = await ended(child).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
  if (held) misuses.push(HELD);
  misuses.push(...faultsIn(output, child.pid!));
  const failure = judge({ obligations, code, signalled, endedFor, timeout, misuses, output, file });
  return { obligations, output, ...(failure && { failure }) };
}

interface Seen {
  readonly obligations: readonly ObligationResult[];
  readonly code: number | null;
  /** The signal that ended the process. */
  readonly signalled: NodeJS.Signals | null;
  /** Why the runner ended it. */
  readonly endedFor: 'timeout' | 'interrupted' | undefined;
  readonly timeout: number;
  /** What is wrong with the scenario as it is written. */
  readonly misuses: readonly string[];
  readonly output: string;
  readonly file: string;
}

function judge({ obligations, code, signalled, endedFor, timeout, misuses, output, file }: Seen): Failure | undefined {
  const unfinished = obligations.find((each) => each.state === 'not-run')?.name;
  const at = unfinished === undefined ? '' : ` It had not ended: "${unfinished}".`;
  if (endedFor === 'interrupted') return { reason: 'interrupted', message: 'Interrupted while the scenario ran.' };
  if (endedFor === 'timeout')
    return { reason: 'timeout', message: `The scenario was not done within ${timeout / 1000} s and was ended.${at}` };
  if (misuses.length > 0) return { reason: 'scenario', message: [...new Set(misuses)].join('\n') };
  const crash = code === 0 ? undefined : crashIn(output, file);
  const why = crash?.message === undefined ? '' : `: ${crash.message}`;
  const exit = signalled ? `was ended by ${signalled}` : `exited with ${code}`;
  if (obligations.length === 0)
    return crash
      ? { reason: 'scenario', message: `scenario.ts did not load (its process ${exit})${why}`, ...crash.details }
      : {
          reason: 'no-obligations',
          message: 'The scenario announced no obligations: does scenario.ts call run() at its end?',
        };
  if (obligations.every((each) => each.state === 'skipped'))
    return { reason: 'no-obligations', message: 'Every obligation was skipped: nothing was checked.' };
  const failed = obligations.some((each) => each.state === 'failed');
  // uvu exits with 1 when an obligation failed, after it has carried out them all.
  if (failed && unfinished === undefined && code === 1) return undefined;
  if (unfinished !== undefined || code !== 0)
    return { reason: 'scenario', message: `The scenario's process ${exit}${why}${at && `.${at}`}`, ...crash?.details };
  return undefined;
}
