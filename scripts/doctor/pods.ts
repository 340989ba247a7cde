/** Pods that are not whole: a container stranded in a namespace of the past, or one that somebody killed. */
import { docker } from '../lib/engine.ts';
import type { Finding } from '../lib/findings.ts';
import { ROLE_LABEL, STACK_LABEL } from '../lib/labels.ts';

/** The parts of `docker inspect` that are looked at. */
export interface PodContainer {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly StartedAt: string;
    readonly ExitCode: number;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: { readonly NetworkMode: string; readonly RestartPolicy: { readonly Name: string } };
}

const MS = 10_000;

/** Containers of ours, and every container that joins another's network. */
export async function listPodContainers(signal?: AbortSignal): Promise<PodContainer[]> {
  const ids = await docker(['ps', '--all', '--quiet', '--no-trunc'], { timeoutMs: MS, signal });
  if (ids === '') return [];
  // What ends between the two is left out, with an exit code that does not matter here.
  const listed = await docker(['inspect', '--type', 'container', ...ids.split('\n')], { timeoutMs: MS, signal });
  return (JSON.parse(listed) as PodContainer[]).filter(
    ({ Config, HostConfig }) =>
      Config.Labels[STACK_LABEL] !== undefined || ownerOf(HostConfig.NetworkMode) !== undefined,
  );
}

const ownerOf = (mode: string): string | undefined => /^container:(.+)$/.exec(mode)?.[1];

/**
 * One finding a container that needs a person, each with the command that heals it.
 * @param containers as `docker inspect` tells of them
 */
export function judgePods(containers: readonly PodContainer[]): Finding[] {
  const byId = new Map(containers.map((each) => [each.Id, each]));
  const running = new Set(
    containers.filter(({ State }) => State.Running).map(({ Config }) => Config.Labels['com.docker.compose.project']),
  );
  return containers.flatMap((container): Finding[] => {
    const { Name, State, Config, HostConfig } = container;
    const name = Name.replace(/^\//, '');
    const project = Config.Labels['com.docker.compose.project'] ?? '';
    const service = Config.Labels['com.docker.compose.service'] ?? name;
    const owner = ownerOf(HostConfig.NetworkMode);
    const pod = owner === undefined ? undefined : byId.get(owner);
    const note = (text: string, ...advice: string[]): Finding[] => [
      {
        mark: 'note',
        name: 'pod',
        text: `${name} ${text}`,
        advice: ['Heal it:', ...advice.map((line) => `    ${line}`)],
      },
    ];
    if (State.Running && owner !== undefined) {
      if (!pod)
        return note(
          'is in the network of a container that is gone',
          `docker compose -p ${project} up --detach --force-recreate ${service}`,
        );
      if (!pod.State.Running)
        return note(
          'is in the network of a pod that does not run',
          `docker start ${pod.Name.slice(1)}`,
          `docker restart ${name}`,
        );
      if (Date.parse(pod.State.StartedAt) > Date.parse(State.StartedAt))
        return note('is stranded: its pod was restarted after it', `docker restart ${name}`);
    }
    if (State.Paused) return note('is paused', `docker unpause ${name}`);
    const lasts = !['no', ''].includes(HostConfig.RestartPolicy.Name) && Config.Labels[ROLE_LABEL] !== 'init';
    if (!State.Running && lasts && running.has(project))
      return note(
        `does not run (exit code ${State.ExitCode}), though its stack does: the engine leaves alone what was killed or stopped`,
        `docker start ${name}`,
      );
    return [];
  });
}
