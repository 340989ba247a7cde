/** From an error to one paragraph that says what happened, to which container, and what to do. */
import { docker, EngineError } from '../lib/engine.ts';
import { lastLines } from '../lib/run.ts';
import { serviceOf, type Inspected, type Project } from '../lib/compose.ts';
import { SetupError } from '../setup/lib/setup-error.ts';
import type { Failure } from './events.ts';

/** A failure on its way up. */
export class RunFailure extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

const LOG_LINES = 12;

/** True when the engine answers. */
export async function engineAnswers(): Promise<boolean> {
  try {
    await docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Why `up` failed.
 * @param project what was brought up
 * @param error what it threw
 */
export async function explainUp(project: Project, error: unknown): Promise<Failure> {
  if (!(error instanceof EngineError)) return unexpected(error);
  if (!(await engineAnswers())) return engineGone(project);
  const said = error.stderr.join('\n');
  const port = /(?:bind for|listen tcp4?) ([\d.]+:\d+)/i.exec(said)?.[1];
  if (/port is already allocated|address already in use/i.test(said)) return await portInUse(project, port);
  const culprit = worst(await project.containers());
  if (culprit) return await explainContainer(project, culprit);
  return {
    reason: 'compose',
    message: `docker compose up failed: ${error.stderr.at(-1) ?? error.message}`,
    log: error.stderr,
  };
}

/** The engine stopped answering. */
export function engineGone(project: Project): Failure {
  return {
    reason: 'engine-gone',
    message: `The container engine stopped answering while ${project.name} was up. See its log (journalctl -u docker, or /var/log), start it again, and try again.`,
  };
}

async function portInUse(project: Project, address: string | undefined): Promise<Failure> {
  const port = address?.split(':').at(-1);
  const variable = Object.keys(project.env).find((name) => project.env[name] === port);
  const where = variable ? `, or set another ${variable} in the stack's .env` : '';
  const holder =
    port === undefined
      ? ''
      : await docker(['ps', '--filter', `publish=${port}`, '--format', '{{.Names}}'], { timeoutMs: 5000 }).catch(
          () => '',
        );
  const who = holder === '' ? 'another program on this machine' : `the container ${holder.split('\n').join(', ')}`;
  return { reason: 'port-in-use', message: `Port ${address ?? '(unknown)'} is in use by ${who}: stop it${where}.` };
}

/** The container that most likely is the cause: unhealthy, ended with an error, or restarting. */
function worst(containers: readonly Inspected[]): Inspected | undefined {
  const badness = ({ State, RestartCount }: Inspected): number => {
    if (State.Health?.Status === 'unhealthy') return 5;
    if (!State.Running && State.ExitCode !== 0 && State.Status !== 'created') return 4;
    if (State.Status === 'restarting' || RestartCount > 0) return 3;
    if (State.Error !== '') return 2;
    return State.Health?.Status === 'starting' ? 1 : 0;
  };
  const [first] = containers.toSorted((a, b) => badness(b) - badness(a));
  return first && badness(first) > 0 ? first : undefined;
}

async function explainContainer(project: Project, container: Inspected): Promise<Failure> {
  const { State, RestartCount } = container;
  const name = container.Name.slice(1);
  const service = serviceOf(container);
  const log = lastLines(await project.logs(container.Id, LOG_LINES), LOG_LINES);
  const check = State.Health?.Log.at(-1);
  if (State.Health?.Status === 'unhealthy' || State.Health?.Status === 'starting') {
    const said = check
      ? ` Its last health check exited with ${check.ExitCode}${check.Output.trim() === '' ? '' : ` and said: ${check.Output.trim()}`}.`
      : '';
    return {
      reason: 'unhealthy',
      container: name,
      log,
      message: `${service} (container ${name}) did not become healthy.${said}`,
    };
  }
  const oom = State.OOMKilled ? ', out of memory' : '';
  const again = RestartCount > 0 ? ` and was restarted ${RestartCount} times` : '';
  const why = State.Error === '' ? '' : ` (${State.Error})`;
  return {
    reason: 'exited',
    container: name,
    log,
    message: `${service} (container ${name}) exited with ${State.ExitCode}${oom}${again}${why}.`,
  };
}

/** Something that no phase foresaw. */
export function unexpected(error: unknown): Failure {
  if (error instanceof RunFailure) return error.failure;
  if (error instanceof EngineError) return { reason: 'compose', message: error.message, log: error.stderr };
  if (error instanceof SetupError)
    return { reason: 'setup', message: [error.message, ...error.advice].join('\n'), exitCode: error.exitCode };
  return { reason: 'scenario', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
