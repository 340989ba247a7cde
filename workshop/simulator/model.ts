/**
 * A small model of what compose and a container engine do with the parts of a pod, for a room without an engine. Its
 * rules are those that the lifecycle stack proves; a test lets both tell of the same happenings.
 */
import { chain, type Part } from './wirings.ts';

export interface Container {
  /** Another number is another container. */
  readonly id: number;
  /** How often it was started. */
  readonly lives: number;
  readonly state: 'running' | 'exited';
  /** Does its work; a sidecar says so by its health check. */
  readonly ready: boolean;
  /** Its processes are stopped: it is there, and answers nobody. */
  readonly hung: boolean;
  /** Probes in a row that it did not answer. */
  readonly failures: number;
  /** By the engine, because of its restart policy. */
  readonly restarts: number;
  readonly exitCode: number | null;
  /** Number of the network namespace that it lives in; null while it does not run. */
  readonly network: number | null;
  /** The container whose network it joins. */
  readonly joined: number | null;
}

export interface ProjectState {
  readonly parts: readonly Part[];
  readonly containers: Readonly<Record<string, Container>>;
  /** What compose has yet to start, with what it waits for; without needs after a command for one service alone. */
  readonly starting: Readonly<Record<string, Part['needs']>>;
  /** What compose has yet to stop, in this order. */
  readonly stopping: readonly string[];
  /** What the engine starts again. */
  readonly again: readonly string[];
  readonly next: number;
}

/** A new state, and a sentence on what led to it. */
export interface Step {
  readonly project: ProjectState;
  readonly said: Sentence;
}

/** What happened, by the name of a message and what stands in it: the page says it in the reader's language. */
export interface Sentence {
  readonly what:
    | 'init-ended'
    | 'is-ready'
    | 'started'
    | 'started-again'
    | 'cannot-join'
    | 'stopped'
    | 'crashed'
    | 'hangs'
    | 'probe-failed'
    | 'probe-killed'
    | 'recreated'
    | 'restarted'
    | 'up'
    | 'up-nothing'
    | 'stop'
    | 'engine-restarted'
    | 'engine-killed'
    | 'engine-kept';
  readonly service?: string;
  readonly count?: number;
}

/** Probes in a row that decide. */
const FAILURES = 3;
/** What a container that was killed ends with: 128 and SIGKILL. */
const KILLED = 137;

/** Parts before anything was started. */
export const begin = (parts: readonly Part[]): ProjectState => ({
  parts,
  containers: {},
  starting: {},
  stopping: [],
  again: [],
  next: 1,
});

const runs = (project: ProjectState, service: string): boolean => project.containers[service]?.state === 'running';
const partOf = (project: ProjectState, service: string): Part =>
  project.parts.find((each) => each.service === service)!;

function changed(project: ProjectState, service: string, change: Partial<Container>): ProjectState {
  const container = { ...project.containers[service]!, ...change };
  return { ...project, containers: { ...project.containers, [service]: container } };
}

const ended = (project: ProjectState, service: string, exitCode: number): ProjectState =>
  changed(project, service, { state: 'exited', ready: false, hung: false, failures: 0, exitCode, network: null });

/** Start a container, or make it; undefined when the network that it joins is not there. */
function started(project: ProjectState, service: string, restarts: number): ProjectState | undefined {
  const { joins } = partOf(project, service);
  const known = project.containers[service];
  const owner = joins === null ? undefined : project.containers[joins];
  // A container joins another one by its id, for as long as it exists.
  const joined = known ? known.joined : (owner?.id ?? null);
  if (joins !== null && (owner?.state !== 'running' || owner.id !== joined)) return undefined;
  const container: Container = {
    id: known?.id ?? project.next,
    lives: (known?.lives ?? 0) + 1,
    state: 'running',
    ready: false,
    hung: false,
    failures: 0,
    restarts,
    exitCode: null,
    network: owner ? owner.network : project.next + 1,
    joined,
  };
  return { ...project, next: project.next + 2, containers: { ...project.containers, [service]: container } };
}

/** `docker compose up --detach --wait`: what does not run is started, and what runs is left alone. */
export function up(project: ProjectState): Step {
  const missing = project.parts.filter(({ service, role }) => role !== 'init' && !runs(project, service));
  // An init container runs again, whatever the others do.
  const starting = project.parts.filter((each) => each.role === 'init' || missing.includes(each));
  return {
    project: { ...project, starting: Object.fromEntries(starting.map(({ service, needs }) => [service, needs])) },
    said: { what: missing.length === 0 ? 'up-nothing' : 'up' },
  };
}

/** `docker compose stop`: who needs another stops before it. */
export function stop(project: ProjectState): Step {
  const stopping = project.parts.map(({ service }) => service).filter((each) => runs(project, each));
  return { project: { ...project, starting: {}, again: [], stopping: stopping.toReversed() }, said: { what: 'stop' } };
}

/** Its program is killed past the engine, as by a fault of its own. */
export function crash(project: ProjectState, service: string): Step {
  const dead = ended(project, service, KILLED);
  const again = partOf(project, service).restarts ? [...project.again, service] : project.again;
  return { project: { ...dead, again }, said: { what: 'crashed', service } };
}

/** Its processes are stopped (SIGSTOP). */
export const hang = (project: ProjectState, service: string): Step => ({
  project: changed(project, service, { hung: true }),
  said: { what: 'hangs', service },
});

/** `docker compose restart SERVICE`: who joins its network follows, as compose makes each joiner depend on its owner. */
export function restart(project: ProjectState, service: string): Step {
  const following = project.parts.filter((each) => each.service === service || each.joins === service);
  let next = project;
  for (const { service: each } of following) if (runs(project, each)) next = ended(next, each, 0);
  const starting = { ...project.starting, ...Object.fromEntries(following.map((each) => [each.service, {}])) };
  return { project: { ...next, starting }, said: { what: 'restarted', service } };
}

/** `docker compose up --detach --no-deps --force-recreate SERVICE`: another container of the same name. */
export function recreate(project: ProjectState, service: string): Step {
  const { [service]: _gone, ...containers } = project.containers;
  return {
    project: { ...project, containers, starting: { ...project.starting, [service]: {} } },
    said: { what: 'recreated', service },
  };
}

/** The engine ends and is started again, politely (TERM) or not (KILL). */
export function engine(project: ProjectState, how: 'TERM' | 'KILL', liveRestore: boolean): Step {
  if (liveRestore) return { project, said: { what: 'engine-kept' } };
  const were = project.parts.filter(({ service, role }) => role !== 'init' && runs(project, service));
  let next: ProjectState = { ...project, starting: {}, stopping: [] };
  for (const { service } of were) next = ended(next, service, KILLED);
  // What it finds running after it was killed, it takes for stopped by wish.
  if (how === 'KILL') return { project: { ...next, again: [] }, said: { what: 'engine-killed' } };
  return { project: { ...next, again: were.map(({ service }) => service) }, said: { what: 'engine-restarted' } };
}

/** The next thing that happens by itself; undefined when nothing does any more. */
export function step(project: ProjectState): Step | undefined {
  return stopNext(project) ?? startAgain(project) ?? becomeReady(project) ?? probe(project) ?? startNext(project);
}

function stopNext(project: ProjectState): Step | undefined {
  const [service, ...stopping] = project.stopping;
  if (service === undefined) return undefined;
  return { project: { ...ended(project, service, 0), stopping }, said: { what: 'stopped', service } };
}

function startAgain(project: ProjectState): Step | undefined {
  const [service, ...again] = project.again;
  if (service === undefined) return undefined;
  const { restarts } = project.containers[service]!;
  const next = started({ ...project, again }, service, restarts + 1);
  // It is not tried again: only `docker compose up` brings it back.
  if (!next) return { project: { ...project, again }, said: { what: 'cannot-join', service } };
  return { project: next, said: { what: 'started-again', service } };
}

function becomeReady(project: ProjectState): Step | undefined {
  const fresh = project.parts.find(({ service }) => {
    const container = project.containers[service];
    return container?.state === 'running' && !container.ready && !container.hung;
  });
  if (!fresh) return undefined;
  const { service, role } = fresh;
  if (role === 'init') return { project: ended(project, service, 0), said: { what: 'init-ended', service } };
  return { project: changed(project, service, { ready: true }), said: { what: 'is-ready', service } };
}

/** A liveness probe asks those beside it; it tells what fails three times to stop, and the restart policy does the rest. */
function probe(project: ProjectState): Step | undefined {
  const well = (service: string): boolean => runs(project, service) && !project.containers[service]!.hung;
  const probed = project.parts.filter(({ service }) => well(service)).flatMap(({ probes }) => probes);
  const service = probed.find((each) => project.containers[each]?.hung === true);
  if (service === undefined) return undefined;
  const failures = project.containers[service]!.failures + 1;
  if (failures < FAILURES)
    return {
      project: changed(project, service, { failures }),
      said: { what: 'probe-failed', service, count: failures },
    };
  return { project: crash(project, service).project, said: { what: 'probe-killed', service } };
}

function startNext(project: ProjectState): Step | undefined {
  const entry = Object.entries(project.starting).find(([, needs]) => isMet(project, needs));
  if (!entry) return undefined;
  const [service] = entry;
  const { [service]: _needs, ...starting } = project.starting;
  const next = started({ ...project, starting }, service, 0);
  if (!next) return { project: { ...project, starting }, said: { what: 'cannot-join', service } };
  return { project: next, said: { what: 'started', service } };
}

const isMet = (project: ProjectState, needs: Part['needs']): boolean =>
  Object.entries(needs).every(([service, condition]) => {
    const container = project.containers[service];
    // One that is about to start, or to start once more, is waited for.
    if (!container || service in project.starting) return false;
    if (condition === 'completed') return container.state === 'exited' && container.exitCode === 0;
    return container.state === 'running' && (condition === 'started' || container.ready);
  });

/** Whether it runs in a network that is no longer the one of those whose network it joined. */
export function isStranded(project: ProjectState, service: string): boolean {
  const container = project.containers[service];
  const { joins } = partOf(project, service);
  if (joins === null || container?.state !== 'running') return false;
  return container.network !== project.containers[joins]?.network;
}

/** Whether a visitor of the published port gets a page: through the sidecar, from the app, in one network. */
export function isServed(project: ProjectState): boolean {
  const along = chain(project.parts).map((service) => project.containers[service]);
  return along.every(
    (each) => each?.state === 'running' && each.ready && !each.hung && each.network === along[0]!.network,
  );
}

/**
 * Go on until nothing happens by itself.
 * @throws {Error} when it does not come to rest: a fault of the model
 */
export function settle({ project }: Pick<Step, 'project'>): ProjectState {
  for (let steps = 0, now = project; steps < 1000; steps++) {
    const next = step(now);
    if (!next) return now;
    now = next.project;
  }
  throw new Error('the model does not come to rest');
}
