/** A container of a pod as `docker inspect` would tell of it. */
import type { Inspected } from '../lib/driver.ts';
import type { Manifest, Member } from '../lib/exported.ts';

const UNITS: Readonly<Record<string, number>> = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, k: 1e3, M: 1e6, G: 1e9 };

/** The parts of `docker image inspect` that are looked at. */
export interface Image {
  readonly Id: string;
  readonly Config: { readonly Env?: readonly string[] | null; readonly Cmd?: readonly string[] | null };
}

/** Of what has no image of its own: a pod. */
export const NO_CONFIG: Image = { Id: '', Config: {} };

/** What a pod's status tells of its containers, sidecars first. */
export const statusesOf = (pod: Manifest | undefined): Manifest[] => [
  ...((pod?.['status'].initContainerStatuses ?? []) as Manifest[]),
  ...((pod?.['status'].containerStatuses ?? []) as Manifest[]),
];

/** The id of the container that a status is about, as containerd has it; empty before there is one. */
export const containerId = (status: Manifest): string =>
  String(status['containerID'] ?? '').replace('containerd://', '');

/**
 * @param run the name of the run, which is its namespace's
 * @param pod as the API server has it
 * @param pids of running containers, by id
 * @param image its image, as this machine's engine tells of it
 */
export function inspected(
  run: string,
  member: Member,
  pod: Manifest,
  pids: ReadonlyMap<string, number>,
  image: Image,
): Inspected {
  const { metadata, spec, status } = pod;
  const labels = {
    'com.docker.compose.service': member.service,
    'com.docker.compose.project': run,
    'dev.sidecar-stacks.role': member.role,
  };
  const container = member.spec?.['name'] as string | undefined;
  const own = statusesOf(pod).find(({ name }) => name === container);
  const applied = [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === container) as
    | Manifest
    | undefined;
  const { running, terminated, waiting } = (own?.['state'] ?? {}) as Manifest;
  // What waits to be started again has ended.
  const ended = (terminated ?? own?.['lastState']?.terminated) as Manifest | undefined;
  // A pod without a container of this name: its pause container, which runs as long as the pod has an address.
  const isRunning = container === undefined ? status.podIP !== undefined : running !== undefined;
  const id = own === undefined ? '' : containerId(own);
  const probed = applied?.['startupProbe'] ?? applied?.['readinessProbe'];
  const healthy = own?.['ready'] === true ? 'healthy' : own?.['started'] === true ? 'unhealthy' : 'starting';
  return {
    // A pod has an identity of its own, and its status does not name the container that holds it.
    Id: id || metadata.uid.replaceAll('-', ''),
    Name: `/${run}-${member.service}-1`,
    Image: image.Id,
    RestartCount: (own?.['restartCount'] ?? 0) as number,
    Created: metadata.creationTimestamp,
    State: {
      Status: isRunning
        ? 'running'
        : ended
          ? waiting?.reason === 'CrashLoopBackOff'
            ? 'restarting'
            : 'exited'
          : 'created',
      Running: isRunning,
      ExitCode: isRunning ? 0 : ((ended?.['exitCode'] ?? 0) as number),
      OOMKilled: ended?.['reason'] === 'OOMKilled',
      Error: '',
      StartedAt: running?.startedAt ?? ended?.['startedAt'] ?? metadata.creationTimestamp,
      FinishedAt: ended?.['finishedAt'] ?? '0001-01-01T00:00:00Z',
      Pid: pids.get(id) ?? 0,
      ...(probed && { Health: { Status: healthy, Log: [] } }),
    },
    Config: {
      Labels: labels,
      Env: environment(image, applied),
      Cmd: (applied?.['args'] ?? image.Config.Cmd ?? null) as readonly string[] | null,
    },
    HostConfig: {
      RestartPolicy: { Name: spec.restartPolicy === 'Never' && !applied?.['restartPolicy'] ? 'no' : 'always' },
      Memory: bytes(applied?.['resources']?.limits?.memory as string | undefined),
    },
    Mounts: ((applied?.['volumeMounts'] ?? []) as { mountPath: string; readOnly?: boolean }[]).map(
      ({ mountPath, readOnly = false }) => ({ Destination: mountPath, RW: !readOnly }),
    ),
    NetworkSettings: { Networks: { pods: { IPAddress: (status.podIP ?? '') as string } } },
  };
}

function bytes(quantity: string | undefined): number {
  const [, number, unit = ''] = /^(\d+)(\w*)$/.exec(quantity ?? '0') ?? [];
  return Number(number) * (UNITS[unit] ?? 1);
}

/** Of the image, and over it what the pod says. */
function environment({ Config }: Image, applied: Manifest | undefined): string[] {
  const said = ((applied?.['env'] ?? []) as { name: string; value: string }[]).map(({ name, value }) => [name, value]);
  const own = (Config.Env ?? []).map((each) => [each.split('=', 1)[0]!, each.slice(each.indexOf('=') + 1)]);
  return Object.entries(Object.fromEntries([...own, ...said])).map(([name, value]) => `${name}=${value as string}`);
}
