/**
 * Faults by button. Each undoes itself: before it is made, a process of its own is started that will take it back after
 * a while, whatever becomes of the server.
 */
import { docker } from '../../scripts/lib/engine.ts';
import { STACK_LABEL } from '../../scripts/lib/labels.ts';
import { toolsImage } from '../../scripts/debug/tools.ts';
import { joined, type Container } from './containers.ts';
import type { FaultKind, FaultOffer } from './document.ts';
import { startGuard, type Commands } from './guard.ts';

/** How long a fault lasts, in seconds. */
export const LASTS = 15;
/** A disk above this size, in bytes, is not filled: it would be the machine's memory that is. */
const LARGEST_DISK = 64 * 1024 * 1024;
/** What is left to the application that is slowed, in thousandths of a processor. */
const SLOW = 50;

const MS = { timeoutMs: 60_000 };

/** Sizes of volumes that have a limit, in bytes, by name. */
export type Limits = ReadonlyMap<string, number>;

/** Which faults a container can be given, and why not the others. */
export function faultOffers(container: Container, limits: Limits): FaultOffer[] {
  const { State, NetworkSettings } = container;
  const stopped = State.Running ? null : 'it does not run';
  const disks = smallDisks(container, limits);
  return [
    { kind: 'kill', unless: stopped },
    { kind: 'pause', unless: stopped ?? (State.Paused ? 'it is paused already' : null) },
    {
      kind: 'cut',
      unless:
        stopped ??
        (joined(container, 'net') !== undefined
          ? 'its network is that of its pod: cut that'
          : Object.keys(NetworkSettings.Networks).every((name) => name === 'none' || name === 'host')
            ? 'it has no network of its own'
            : null),
    },
    { kind: 'fill', unless: stopped ?? (disks.length > 0 ? null : 'no volume of it has a small limit') },
    { kind: 'slow', unless: stopped },
  ];
}

const smallDisks = ({ Mounts }: Container, limits: Limits): string[] =>
  Mounts.flatMap(({ Name, RW }) =>
    RW && Name !== undefined && (limits.get(Name) ?? Infinity) <= LARGEST_DISK ? [Name] : [],
  );

/** `size=512k,uid=990` as bytes; undefined where there is no limit. */
export function sizeLimit(options: string | undefined): number | undefined {
  const [, digits, unit = ''] = /(?:^|,)size=(\d+)([kmg]?)(?:,|$)/i.exec(options ?? '') ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
}

/** How a fault is made and taken back: arguments of docker commands. */
export interface Plan {
  readonly make: Commands;
  readonly undo: Commands;
}

/**
 * The docker commands of a fault.
 * @param all containers of its project, some of which may have joined its namespaces
 */
export function planFault(
  kind: FaultKind,
  container: Container,
  { all, limits, image, seconds }: { all: readonly Container[]; limits: Limits; image: string; seconds: number },
): Plan {
  const { Id, HostConfig, State } = container;
  const helper = `workshop-fault-${Id.slice(0, 12)}-${kind}`;
  switch (kind) {
    case 'kill': {
      // Those who joined its network stay stranded: the learner shall see what the wiring does.
      if (crashes(container)) {
        const crash = [image, 'bash', '-c', CRASH, 'crash', String(State.Pid), Id];
        return {
          make: [[...run(helper, ['KILL']), '--network', 'none', '--pid', 'host', ...crash]],
          undo: [['start', Id]],
        };
      }
      const joiners = all
        .filter((each) => joined(each, 'net') === Id || joined(each, 'pid') === Id)
        .map((each) => each.Id);
      // Who joined its namespaces is left in those that went with it.
      return {
        make: [['kill', Id]],
        undo: [['start', Id], ...(joiners.length > 0 ? [['restart', '--time', '2', ...joiners]] : [])],
      };
    }
    case 'pause':
      return { make: [['pause', Id]], undo: [['unpause', Id]] };
    case 'slow': {
      const { NanoCpus, CpuQuota } = HostConfig;
      return NanoCpus > 0
        ? {
            make: [['update', '--cpus', String(SLOW / 1000), Id]],
            undo: [['update', '--cpus', String(NanoCpus / 1e9), Id]],
          }
        : {
            make: [['update', '--cpu-period', '100000', '--cpu-quota', String(SLOW * 100), Id]],
            undo: [['update', '--cpu-quota', String(CpuQuota > 0 ? CpuQuota : -1), Id]],
          };
    }
    case 'cut':
      return {
        make: [
          [
            ...run(helper, ['NET_ADMIN']),
            '--detach',
            '--network',
            `container:${Id}`,
            image,
            'bash',
            '-c',
            CUT,
            'cut',
            String(seconds),
          ],
        ],
        undo: [['stop', '--time', '5', helper]],
      };
    case 'fill': {
      const mounts = smallDisks(container, limits).flatMap((name, index) => ['--volume', `${name}:/disk/${index}`]);
      const part = (name: string, script: string): string[] => [
        ...run(name, ['DAC_OVERRIDE']),
        '--network',
        'none',
        ...mounts,
        image,
        'bash',
        '-c',
        script,
      ];
      return { make: [part(helper, FILL)], undo: [part(`${helper}-undo`, 'rm -f /disk/*/.workshop-fill')] };
    }
  }
}

/**
 * Whether a kill lets the container crash. The engine counts `docker kill` as a wish to stop, and leaves it down whatever
 * its restart policy says; so its first process is killed. A paused one would not end.
 */
const crashes = ({ State, HostConfig: { RestartPolicy } }: Container): boolean =>
  !State.Paused && RestartPolicy.Name !== '' && RestartPolicy.Name !== 'no';

const run = (name: string, capabilities: readonly string[]): string[] => [
  'run',
  '--rm',
  '--name',
  name,
  '--label',
  `${STACK_LABEL}=workshop`,
  '--cap-drop',
  'ALL',
  ...capabilities.flatMap((each) => ['--cap-add', each]),
  '--security-opt',
  'no-new-privileges',
];

/** Kills a container's first process, seen from the engine's machine, unless its number is another's by now. */
const CRASH = 'grep -q "$2" "/proc/$1/cgroup" && kill -KILL "$1"';

/** Takes the links down, and gives them back with their default route: after a while, or when it is told to end. */
const CUT = `set -u
route=$(ip route show default)
links=$(ip -o link show up | sed -n 's/^[0-9]*: \\([^@:]*\\)[@:].*/\\1/p' | grep -vx lo)
back() { for link in $links; do ip link set "$link" up; done; [ -z "$route" ] || ip route replace $route; exit 0; }
trap back TERM INT
for link in $links; do ip link set "$link" down; done
sleep "$1" & wait
back`;

/** Until it is full, which is not an error. */
const FILL = 'for disk in /disk/*; do cat /dev/zero > "$disk/.workshop-fill" 2> /dev/null; done; true';

const needsTools = (kind: FaultKind, container: Container): boolean =>
  kind === 'cut' || kind === 'fill' || (kind === 'kill' && crashes(container));

/** A fault that is on. */
export interface ActiveFault {
  readonly kind: FaultKind;
  readonly until: string;
}

/** Makes faults and knows which are on. */
export class Faults {
  readonly #on = new Map<string, ActiveFault>();
  readonly #changed: () => void;

  /** @param changed is called when a fault begins or ends */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get on(): ReadonlyMap<string, ActiveFault> {
    return this.#on;
  }

  /**
   * Make one.
   * @throws {Error} when the container already has one, or does not offer it
   * @throws {EngineError}
   */
  async make(kind: FaultKind, container: Container, all: readonly Container[], limits: Limits): Promise<void> {
    const { Id } = container;
    if (this.#on.has(Id)) throw new Error('it has a fault already');
    const offer = faultOffers(container, limits).find((each) => each.kind === kind);
    if (!offer || offer.unless !== null) throw new Error(offer?.unless ?? 'there is no such fault');
    const begin = (): void => {
      this.#on.set(Id, { kind, until: new Date(Date.now() + LASTS * 1000).toISOString() });
      this.#changed();
    };
    const end = (): void => {
      this.#on.delete(Id);
      this.#changed();
    };
    begin();
    let made = (): void => {};
    try {
      const image = needsTools(kind, container) ? await toolsImage(() => {}) : '';
      const { make, undo } = planFault(kind, container, { all, limits, image, seconds: LASTS });
      made = startGuard(LASTS, undo, end);
      for (const command of make) await docker(command, MS);
      if (this.#on.has(Id)) begin();
    } catch (error) {
      end();
      throw error;
    } finally {
      made();
    }
  }
}
