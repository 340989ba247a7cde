/** Pods whose members lost the network that they joined: after a crash of the owner, or a restart of the engine. */
import { docker } from '../command/docker.ts';

/** The parts of `docker inspect` that are looked at. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Running: boolean;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Error: string;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: {
    readonly NetworkMode: string;
    readonly PidMode?: string;
    readonly IpcMode?: string;
    readonly RestartPolicy: { readonly Name: string };
  };
}

export interface Step {
  /** `recreate`: what it joined is gone, and only compose can make it anew. `rerun`: to its end, as an init container. */
  readonly action: 'start' | 'restart' | 'recreate' | 'rerun';
  readonly name: string;
  readonly service: string;
  readonly project: string;
  readonly container: Inspected;
  readonly why: string;
}

const ROLE = 'dev.sidecar-stacks.role';
/** Rules of the network are there before sidecars, and sidecars are ready before their application. */
const ORDER = ['init', 'sidecar', 'service', ''];
/** Within it an engine stops what a killed engine left: its grace period, and some more, in milliseconds. */
const CRASH = 15_000;

/**
 * What makes pods whole again, in the order in which it is to be done. What somebody stopped stays stopped.
 * @param containers all of a machine, as `docker inspect` tells of them
 */
export function healing(containers: readonly Inspected[]): Step[] {
  const byId = new Map(containers.map((each) => [each.Id, each]));
  const step = (action: Step['action'], container: Inspected, why: string): Step => ({
    action,
    name: container.Name.replace(/^\//, ''),
    service: container.Config.Labels?.['com.docker.compose.service'] ?? '',
    project: container.Config.Labels?.['com.docker.compose.project'] ?? '',
    container,
    why,
  });
  const members = containers.flatMap((member) => {
    const owner = /^container:(.+)$/.exec(member.HostConfig.NetworkMode)?.[1];
    return owner === undefined ? [] : [{ member, owner: byId.get(owner) }];
  });
  const down = new Set(
    members.flatMap(({ member, owner }) => (owner && !owner.State.Running && wanted(member) ? [owner] : [])),
  );
  const rank = ({ Config }: Inspected): number => ORDER.indexOf(Config.Labels?.[ROLE] ?? '');
  const stranded = members
    .toSorted((a, b) => rank(a.member) - rank(b.member))
    .flatMap(({ member, owner }): Step[] => {
      const init = member.Config.Labels?.[ROLE] === 'init';
      if (owner && init && !member.State.Running) {
        const lost = down.has(owner) || (owner.State.Running && began(owner) > ended(member));
        return lost ? [step('rerun', member, 'what it prepared was lost with the network of its pod')] : [];
      }
      if (owner && (down.has(owner) || owner.State.Running) && stoppedWith(owner, member))
        return [step('start', member, 'the engine stopped it together with its pod')];
      if (!wanted(member)) return [];
      if (!owner) return [step('recreate', member, 'the container that it joined is gone')];
      if (down.has(owner)) return [step('restart', member, 'its pod did not run')];
      if (!member.State.Running) return [step('start', member, 'the engine could not start it')];
      return began(owner) > began(member) ? [step('restart', member, 'its pod was restarted after it')] : [];
    });
  return [...[...down].map((owner) => step('start', owner, 'its members run, or should')), ...stranded];
}

const began = ({ State }: Inspected): number => Date.parse(State.StartedAt);
const ended = ({ State }: Inspected): number => Date.parse(State.FinishedAt);

/** Running, or not running only because the engine failed to start it. */
const wanted = ({ State }: Inspected): boolean => State.Running || State.Error !== '';

/**
 * Whether a member ended with its pod, and was to be restarted. After its own crash an engine stops what still runs, and
 * then takes a container with `unless-stopped` for one that somebody stopped.
 */
const stoppedWith = (owner: Inspected, { State, HostConfig }: Inspected): boolean =>
  !State.Running &&
  State.Error === '' &&
  !['', 'no'].includes(HostConfig.RestartPolicy.Name) &&
  // A container that never ran ended in the year 1.
  ended(owner) > 0 &&
  Math.abs(Date.parse(State.FinishedAt) - ended(owner)) <= CRASH;

/** All containers of the machine, or of one project. */
export async function inspected(project: string | undefined): Promise<Inspected[]> {
  const only = project === undefined ? [] : ['--filter', `label=com.docker.compose.project=${project}`];
  const ids = await docker(['ps', '--all', '--quiet', '--no-trunc', ...only]);
  return ids === ''
    ? []
    : (JSON.parse(await docker(['inspect', '--type', 'container', ...ids.split('\n')])) as Inspected[]);
}

/** Do a step that needs no compose file. */
export const take = ({ action, name }: Step): Promise<string> =>
  docker(action === 'rerun' ? ['start', '--attach', name] : [action, name]);

/** A unit that heals after each start of the engine. @param command the program and its arguments */
export const unitText = (command: readonly string[]): string => `[Unit]
Description=Containers that lost the network of their pod join it again
After=docker.service
PartOf=docker.service

[Service]
Type=oneshot
ExecStart=${command.map((word) => JSON.stringify(word).replaceAll('%', '%%').replaceAll('$', '$$$$')).join(' ')}

[Install]
WantedBy=docker.service
`;
