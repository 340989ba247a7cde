/** The stack's containers as the engine and the kernel tell of them. */
import * as assert from 'uvu/assert';
import type { Inspected, Project } from '../../../scripts/lib/compose.ts';
import { docker } from '../../../scripts/lib/engine.ts';

/** What lives on in the pod; the init container has ended. */
export const LASTING = ['pod', 'tls', 'probe', 'reports'] as const;
export type Service = (typeof LASTING)[number];

/** One life of a container: any restart, crash or new container makes it another. */
export interface Life {
  readonly id: string;
  readonly startedAt: string;
  /** Of its first process, on the engine's machine. */
  readonly pid: number;
  readonly restarts: number;
  /** Inodes of the namespaces that its processes live in, as the kernel names them. */
  readonly network: string;
  readonly processes: string;
}

/** Look at several containers at once, by service. */
export async function livesOf(project: Project, services: readonly string[]): Promise<Record<string, Life>> {
  const containers = byService(await project.containers());
  const lives = services.map(async (service) => [service, await lifeIn(containers.get(service)!)] as const);
  return Object.fromEntries(await Promise.all(lives));
}

/** Look at one. */
export const lifeOf = async (project: Project, service: string): Promise<Life> =>
  lifeIn(await project.inspect(service));

async function lifeIn({ Id, State, RestartCount }: Inspected): Promise<Life> {
  const namespaces = await docker(['exec', Id, 'readlink', '/proc/self/ns/net', '/proc/self/ns/pid'], {
    timeoutMs: 30_000,
  });
  const [network, processes] = namespaces.split('\n') as [string, string];
  return { id: Id, startedAt: State.StartedAt, pid: State.Pid, restarts: RestartCount, network, processes };
}

/** When the init container last ended; it must not change while the others come and go. */
export async function initEnd(project: Project): Promise<string> {
  const { State, RestartCount } = await project.inspect('prepare');
  assert.is(State.ExitCode, 0);
  assert.is(RestartCount, 0);
  return State.FinishedAt;
}

/**
 * The pid, inside the pod, of a container's program: the oldest process that has the container's own
 * root filesystem. Asked from inside, as its own user.
 */
export async function mainPid(project: Project, service: string): Promise<number> {
  const lines = await project.exec(service, [
    'bash',
    '-c',
    `own=$(readlink /proc/self/ns/mnt)
     for each in /proc/[0-9]*; do
       [[ $(readlink "$each/ns/mnt" 2>/dev/null) == "$own" ]] || continue
       read -r stat 2>/dev/null <"$each/stat" || continue
       set -- \${stat##*) }
       echo "\${20} \${each#/proc/}"
     done | sort -n`,
  ]);
  return Number(lines.split('\n')[0]!.split(' ')[1]);
}

/** Send a signal to a container's program, past the engine, which would take it for an operator's wish. */
export async function signal(project: Project, name: 'KILL' | 'STOP', service: string): Promise<void> {
  const pid = await mainPid(project, service);
  assert.ok(pid > 1, `${service} has a pid of its own in the pod: ${pid}`);
  // From the pod's container, which is none of those that are being killed.
  await project.exec('pod', ['bash', '-c', 'kill -"$1" "$2"', 'bash', name, String(pid)], { user: '33:33' });
}

/** Milliseconds since the epoch of a time as the engine writes it. */
export const millis = (time: string): number => Date.parse(time);

/** The engine's zero: it has not happened. */
export const happened = (time: string): boolean => !time.startsWith('0001-');

/** The service's part of what `docker inspect` says of all, by service. */
export const byService = (containers: readonly Inspected[]): Map<string, Inspected> =>
  new Map(containers.map((each) => [each.Config.Labels['com.docker.compose.service']!, each]));
