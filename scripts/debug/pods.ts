/** The pods of a running stack, as the engine tells of its containers. */
import { serviceOf, type Inspected } from '../lib/compose.ts';
import { thisClone } from '../lib/clone.ts';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';

/** Further parts of `docker inspect` that are looked at here. */
export type Container = Inspected & {
  /** The engine leaves out what an image and a compose file leave out. */
  readonly Config: { readonly Env: readonly string[] | null };
  readonly HostConfig: { readonly NetworkMode: string; readonly PidMode: string };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
  };
};

/** Containers that share one network. */
export interface Pod {
  /** Whose network it is. */
  readonly owner: Container;
  /** All of them that run, the owner first. */
  readonly members: readonly Container[];
}

/** A stack that is up, as one project of it. */
export interface RunningStack {
  readonly project: string;
  readonly pods: readonly Pod[];
  /** What has ended: init containers, and what should not have. */
  readonly ended: readonly Container[];
}

/** There is nothing to look at, and what to do about it. */
export class NotRunning extends Error {}

const PROJECT_LABEL = 'com.docker.compose.project';
export const ROLE_LABEL = 'dev.sidecar-stacks.role';
const MS = { timeoutMs: 30_000 };

/**
 * Find a stack that is up.
 * @param stack its name
 * @param wanted the compose project, when several are up
 * @throws {NotRunning}
 */
export async function findRunning(stack: string, wanted: string | undefined): Promise<RunningStack> {
  const ids = await docker(
    [
      'ps',
      '--all',
      '--quiet',
      '--filter',
      `label=${STACK_LABEL}=${stack}`,
      '--filter',
      `label=${PROJECT_LABEL}`,
      '--filter',
      'label=com.docker.compose.config-hash',
    ],
    MS,
  );
  const containers = ids === '' ? [] : (JSON.parse(await docker(['inspect', ...ids.split('\n')], MS)) as Container[]);
  const project = chooseProject(stack, containers, wanted, (await thisClone()).suffix);
  return arrange(
    project,
    containers.filter((each) => projectOf(each) === project),
  );
}

const projectOf = ({ Config }: Container): string => Config.Labels[PROJECT_LABEL]!;

/** The project that is meant: the one that was named, the only one, or this clone's demo. */
export function chooseProject(
  stack: string,
  containers: readonly Container[],
  wanted: string | undefined,
  suffix = '',
): string {
  const running = [...new Set(containers.filter(({ State }) => State.Running).map(projectOf))].toSorted();
  if (wanted !== undefined) {
    if (running.includes(wanted)) return wanted;
    throw new NotRunning(
      `No project ${wanted} of stack ${stack} is up.${running.length > 0 ? ` Up are: ${running.join(', ')}` : ''}`,
    );
  }
  if (running.length === 0)
    throw new NotRunning(`Stack ${stack} is not up. Bring it up: npm run stack -- ${stack} --keep`);
  if (running.length === 1) return running[0]!;
  const plain = `sidecar-stacks-${stack}${suffix}`;
  if (running.includes(plain)) return plain;
  throw new NotRunning(
    `Several copies of stack ${stack} are up. Choose one: ${running.map((each) => `--project ${each}`).join(', ')}`,
  );
}

/**
 * Who is in whose pod.
 * @param containers of one project
 */
export function arrange(project: string, containers: readonly Container[]): RunningStack {
  const running = containers.filter(({ State }) => State.Running);
  const ownerOf = ({ Id, HostConfig }: Container): string => /^container:(.+)$/.exec(HostConfig.NetworkMode)?.[1] ?? Id;
  const pods = [...Map.groupBy(running, ownerOf)].flatMap(([id, members]): Pod[] => {
    // An owner that no longer runs has left them stranded; the first of them then stands for it.
    const owner = members.find(({ Id }) => Id === id) ?? members[0]!;
    const rank = (each: Container): string => `${each === owner ? 0 : 1}${serviceOf(each)}`;
    return [{ owner, members: members.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)) }];
  });
  return {
    project,
    pods: pods.toSorted((a, b) => (serviceOf(a.owner) < serviceOf(b.owner) ? -1 : 1)),
    ended: containers.filter(({ State }) => !State.Running),
  };
}

/**
 * A service's container, and its pod.
 * @throws {NotRunning} with the services that there are
 */
export function findService({ pods, ended }: RunningStack, service: string): { pod: Pod; container: Container } {
  for (const pod of pods) {
    const container = pod.members.find((each) => serviceOf(each) === service);
    if (container) return { pod, container };
  }
  const known = pods.flatMap(({ members }) => members.map(serviceOf));
  const gone = ended.find((each) => serviceOf(each) === service);
  throw new NotRunning(
    gone
      ? `Service ${service} does not run: ${gone.State.Status}, exit code ${gone.State.ExitCode}. Its log: npm run debug -- STACK ${service} --logs`
      : `There is no service ${service}. Services are: ${known.join(', ')}`,
  );
}

/** The admin port of a sidecar of ours; undefined for everything else. */
export function adminPort({ Config }: Container): string | undefined {
  return (Config.Env ?? []).map((each) => /^ADMIN_PORT=(\d+)$/.exec(each)?.[1]).find((port) => port !== undefined);
}

/** Whose processes it sees: its own, or those of the container that it joined. */
export const processOwner = ({ Id, HostConfig }: Container): string =>
  /^container:(.+)$/.exec(HostConfig.PidMode)?.[1] ?? Id;
