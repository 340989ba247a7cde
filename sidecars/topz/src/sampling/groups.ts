/** Processes by container: what each container uses, and whether it was restarted. */
import { History } from '../proc/history.ts';
import { readCgroupLimits, type CgroupLimits } from '../proc/cgroup-limits.ts';
import type { Mark, Process } from '../proc/process.ts';

/** Limits seldom change: scans after which they are read again. */
const LIMITS_EVERY = 10;

/** First processes that only start another one and reap. */
const INITS = new Set(['docker-init', 'tini', 'dumb-init', 'catatonit', 'podman-init', 's6-svscan']);
/** The group of those beyond the bound. */
const OTHER = 'other';

/** A container, as its processes show it. */
export class Group {
  /** The container's id, cut to 12 digits, or what stands for one. */
  readonly id: string;
  /** What the engine calls it; undefined where that is not known. */
  readonly container: string | undefined;
  /** The container's main program. */
  name = '';
  /** Its processes at the last scan; none when the container is gone. */
  readonly members: Process[] = [];
  cpuPercent: number | null = null;
  rssPages = 0;
  threads = 0;
  /** Of those processes that may be asked. */
  openFiles: number | null = null;
  /** Undefined where they may not be read. */
  limits: CgroupLimits | undefined;
  /** How often another process took the place of the container's first one. */
  restarts = 0;
  /** Processor time since it was first seen, in ticks: never less than before, also when a process ends. */
  userTicks = 0;
  systemTicks = 0;
  readonly plotted: Mark = { ticks: 0, at: 0 };
  readonly history: History;
  #root: Process | undefined;
  #scans = 0;

  constructor(id: string, samples: number, container?: string) {
    this.id = id;
    this.container = container;
    this.history = new History(samples);
  }

  /** Start of the container's first process, in ticks since the machine's start. */
  get startTicks(): number {
    return this.#root?.startTicks ?? 0;
  }

  /** Empty it, for the next scan to fill. */
  clear(): void {
    this.members.length = 0;
    this.cpuPercent = null;
    this.rssPages = 0;
    this.threads = 0;
    this.openFiles = null;
  }

  add(process: Process): void {
    this.members.push(process);
    if (process.cpuPercent !== null) this.cpuPercent = (this.cpuPercent ?? 0) + process.cpuPercent;
    this.rssPages += process.rssPages;
    this.threads += process.threads;
    if (process.openFiles !== null) this.openFiles = (this.openFiles ?? 0) + process.openFiles;
    this.userTicks += process.userTicks - process.countedUser;
    this.systemTicks += process.systemTicks - process.countedSystem;
    process.countedUser = process.userTicks;
    process.countedSystem = process.systemTicks;
  }

  /** Find the container's first process, and name the group after the program that it runs. */
  settle(readLimits: (pid: number) => CgroupLimits | undefined): void {
    const ids = new Set(this.members.map(({ pid }) => pid));
    // `docker exec` starts processes without a parent, too, but later ones.
    const root = oldest(this.members.filter(({ ppid }) => !ids.has(ppid)));
    if (root === undefined) return;
    if (this.#root && (this.#root.pid !== root.pid || this.#root.startTicks !== root.startTicks)) this.restarts++;
    if (this.#root !== root || ++this.#scans % LIMITS_EVERY === 0) this.limits = readLimits(root.pid);
    this.#root = root;
    const child = INITS.has(root.name) ? oldest(this.members.filter(({ ppid }) => ppid === root.pid)) : undefined;
    this.name = (child ?? root).name;
  }
}

function oldest(processes: readonly Process[]): Process | undefined {
  const [first, ...rest] = processes;
  return first && rest.reduce((a, b) => ((b.startTicks - a.startTicks || b.pid - a.pid) < 0 ? b : a), first);
}

export interface GroupsOptions {
  /** Most groups that are told apart, so that labels stay few; those that are gone make place. */
  readonly maxGroups: number;
  /** Samples of each group's history. */
  readonly samples: number;
  /** Names of containers by the first 12 digits of their id. */
  readonly names?: ReadonlyMap<string, string>;
  /** Limits of a process' control group. */
  readonly readLimits?: (pid: number) => CgroupLimits | undefined;
}

export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #options: GroupsOptions;

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** Groups in the order in which they were first seen, those that are gone included. */
  get all(): Group[] {
    return [...this.#groups.values()];
  }

  get(id: string): Group | undefined {
    return this.#groups.get(id);
  }

  /** Sum up a scan. */
  update(processes: Iterable<Process>): void {
    for (const group of this.#groups.values()) group.clear();
    for (const process of processes) this.#groupFor(process.group).add(process);
    for (const group of this.#groups.values()) {
      group.settle(this.#options.readLimits ?? readCgroupLimits);
      if (group.id === OTHER) group.name = OTHER;
    }
  }

  #groupFor(id: string): Group {
    const known = this.#groups.get(id);
    if (known) return known;
    const { maxGroups, samples } = this.#options;
    if (this.#groups.size >= maxGroups) {
      const gone = this.all.find(({ members }) => members.length === 0);
      if (gone === undefined) return this.#groups.get(OTHER) ?? this.#add(new Group(OTHER, samples));
      this.#groups.delete(gone.id);
    }
    return this.#add(new Group(id, samples, this.#options.names?.get(id)));
  }

  #add(group: Group): Group {
    this.#groups.set(group.id, group);
    return group;
  }
}
