/** Pods whose members lost the network that they joined: after a crash of the owner, or a restart of the engine. */
import { runCommand } from '#kit/process/command.ts';

/** The parts of `docker inspect` that are looked at. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Running: boolean; readonly StartedAt: string; readonly Error: string };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: { readonly NetworkMode: string };
}

export interface Step {
  /** `recreate`: what it joined is gone, and only compose can make it anew. */
  readonly action: 'start' | 'restart' | 'recreate';
  readonly name: string;
  readonly service: string;
  readonly project: string;
  readonly why: string;
}

/** Sidecars are ready before their application. */
const ORDER = ['sidecar', 'service', ''];

/**
 * What makes pods whole again, in the order in which it is to be done. What somebody stopped stays stopped.
 * @param containers all of a machine, as `docker inspect` tells of them
 */
export function healing(containers: readonly Inspected[]): Step[] {
  const byId = new Map(containers.map((each) => [each.Id, each]));
  const step = (action: Step['action'], { Name, Config }: Inspected, why: string): Step => ({
    action,
    name: Name.replace(/^\//, ''),
    service: Config.Labels?.['com.docker.compose.service'] ?? '',
    project: Config.Labels?.['com.docker.compose.project'] ?? '',
    why,
  });
  const members = containers.flatMap((member) => {
    const owner = /^container:(.+)$/.exec(member.HostConfig.NetworkMode)?.[1];
    return owner === undefined ? [] : [{ member, owner: byId.get(owner) }];
  });
  const down = new Set(
    members.flatMap(({ member, owner }) => (owner && !owner.State.Running && wanted(member) ? [owner] : [])),
  );
  const rank = ({ Config }: Inspected): number => ORDER.indexOf(Config.Labels?.['dev.sidecar-stacks.role'] ?? '');
  const stranded = members
    .filter(({ member }) => wanted(member))
    .toSorted((a, b) => rank(a.member) - rank(b.member))
    .flatMap(({ member, owner }): Step[] => {
      if (!owner) return [step('recreate', member, 'the container that it joined is gone')];
      if (down.has(owner)) return [step('restart', member, 'its pod did not run')];
      if (!member.State.Running) return [step('start', member, 'the engine could not start it')];
      const late = Date.parse(owner.State.StartedAt) > Date.parse(member.State.StartedAt);
      return late ? [step('restart', member, 'its pod was restarted after it')] : [];
    });
  return [...[...down].map((owner) => step('start', owner, 'its members run, or should')), ...stranded];
}

/** Running, or not running only because the engine failed to start it. */
const wanted = ({ State }: Inspected): boolean => State.Running || State.Error !== '';

const ANSWER = 120_000;

const docker = async (...args: string[]): Promise<string> =>
  (await runCommand(['docker', ...args], { timeout: ANSWER, maxOutput: 64 * 1024 * 1024 })).stdout.trim();

/** All containers of the machine, or of one project. */
export async function inspected(project: string | undefined): Promise<Inspected[]> {
  const only = project === undefined ? [] : ['--filter', `label=com.docker.compose.project=${project}`];
  const ids = await docker('ps', '--all', '--quiet', '--no-trunc', ...only);
  return ids === ''
    ? []
    : (JSON.parse(await docker('inspect', '--type', 'container', ...ids.split('\n'))) as Inspected[]);
}

/** Do a step that needs no compose file. */
export const take = ({ action, name }: Step): Promise<string> => docker(action, name);

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
