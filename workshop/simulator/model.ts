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

export interface World {
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
  readonly world: World;
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
export const begin = (parts: readonly Part[]): World => ({
  parts,
  containers: {},
  starting: {},
  stopping: [],
  again: [],
  next: 1,
});

const runs = (world: World, service: string): boolean => world.containers[service]?.state === 'running';
const partOf = (world: World, service: string): Part => world.parts.find((each) => each.service === service)!;

function changed(world: World, service: string, change: Partial<Container>): World {
  const container = { ...world.containers[service]!, ...change };
  return { ...world, containers: { ...world.containers, [service]: container } };
}

const ended = (world: World, service: string, exitCode: number): World =>
  changed(world, service, { state: 'exited', ready: false, hung: false, failures: 0, exitCode, network: null });

/** Start a container, or make it; undefined when the network that it joins is not there. */
function started(world: World, service: string, restarts: number): World | undefined {
  const { joins } = partOf(world, service);
  const known = world.containers[service];
  const owner = joins === null ? undefined : world.containers[joins];
  // A container joins another one by its id, for as long as it exists.
  const joined = known ? known.joined : (owner?.id ?? null);
  if (joins !== null && (owner?.state !== 'running' || owner.id !== joined)) return undefined;
  const container: Container = {
    id: known?.id ?? world.next,
    lives: (known?.lives ?? 0) + 1,
    state: 'running',
    ready: false,
    hung: false,
    failures: 0,
    restarts,
    exitCode: null,
    network: owner ? owner.network : world.next + 1,
    joined,
  };
  return { ...world, next: world.next + 2, containers: { ...world.containers, [service]: container } };
}

/** `docker compose up --detach --wait`: what does not run is started, and what runs is left alone. */
export function up(world: World): Step {
  const missing = world.parts.filter(({ service, role }) => role !== 'init' && !runs(world, service));
  // An init container runs again, whatever the others do.
  const starting = world.parts.filter((each) => each.role === 'init' || missing.includes(each));
  return {
    world: { ...world, starting: Object.fromEntries(starting.map(({ service, needs }) => [service, needs])) },
    said: { what: missing.length === 0 ? 'up-nothing' : 'up' },
  };
}

/** `docker compose stop`: who needs another stops before it. */
export function stop(world: World): Step {
  const stopping = world.parts.map(({ service }) => service).filter((each) => runs(world, each));
  return { world: { ...world, starting: {}, again: [], stopping: stopping.toReversed() }, said: { what: 'stop' } };
}

/** Its program is killed past the engine, as by a fault of its own. */
export function crash(world: World, service: string): Step {
  const dead = ended(world, service, KILLED);
  const again = partOf(world, service).restarts ? [...world.again, service] : world.again;
  return { world: { ...dead, again }, said: { what: 'crashed', service } };
}

/** Its processes are stopped (SIGSTOP). */
export const hang = (world: World, service: string): Step => ({
  world: changed(world, service, { hung: true }),
  said: { what: 'hangs', service },
});

/** `docker compose restart SERVICE`: who joins its network follows, as compose makes each joiner depend on its owner. */
export function restart(world: World, service: string): Step {
  const following = world.parts.filter((each) => each.service === service || each.joins === service);
  let next = world;
  for (const { service: each } of following) if (runs(world, each)) next = ended(next, each, 0);
  const starting = { ...world.starting, ...Object.fromEntries(following.map((each) => [each.service, {}])) };
  return { world: { ...next, starting }, said: { what: 'restarted', service } };
}

/** `docker compose up --detach --no-deps --force-recreate SERVICE`: another container of the same name. */
export function recreate(world: World, service: string): Step {
  const { [service]: _gone, ...containers } = world.containers;
  return {
    world: { ...world, containers, starting: { ...world.starting, [service]: {} } },
    said: { what: 'recreated', service },
  };
}

/** The engine ends and is started again, politely (TERM) or not (KILL). */
export function engine(world: World, how: 'TERM' | 'KILL', liveRestore: boolean): Step {
  if (liveRestore) return { world, said: { what: 'engine-kept' } };
  const were = world.parts.filter(({ service, role }) => role !== 'init' && runs(world, service));
  let next: World = { ...world, starting: {}, stopping: [] };
  for (const { service } of were) next = ended(next, service, KILLED);
  // What it finds running after it was killed, it takes for stopped by wish.
  if (how === 'KILL') return { world: { ...next, again: [] }, said: { what: 'engine-killed' } };
  return { world: { ...next, again: were.map(({ service }) => service) }, said: { what: 'engine-restarted' } };
}

/** The next thing that happens by itself; undefined when nothing does any more. */
export function step(world: World): Step | undefined {
  return stopNext(world) ?? startAgain(world) ?? becomeReady(world) ?? probe(world) ?? startNext(world);
}

function stopNext(world: World): Step | undefined {
  const [service, ...stopping] = world.stopping;
  if (service === undefined) return undefined;
  return { world: { ...ended(world, service, 0), stopping }, said: { what: 'stopped', service } };
}

function startAgain(world: World): Step | undefined {
  const [service, ...again] = world.again;
  if (service === undefined) return undefined;
  const { restarts } = world.containers[service]!;
  const next = started({ ...world, again }, service, restarts + 1);
  // It is not tried again: only `docker compose up` brings it back.
  if (!next) return { world: { ...world, again }, said: { what: 'cannot-join', service } };
  return { world: next, said: { what: 'started-again', service } };
}

function becomeReady(world: World): Step | undefined {
  const fresh = world.parts.find(({ service }) => {
    const container = world.containers[service];
    return container?.state === 'running' && !container.ready && !container.hung;
  });
  if (!fresh) return undefined;
  const { service, role } = fresh;
  if (role === 'init') return { world: ended(world, service, 0), said: { what: 'init-ended', service } };
  return { world: changed(world, service, { ready: true }), said: { what: 'is-ready', service } };
}

/** A liveness probe asks those beside it; it tells what fails three times to stop, and the restart policy does the rest. */
function probe(world: World): Step | undefined {
  const well = (service: string): boolean => runs(world, service) && !world.containers[service]!.hung;
  const probed = world.parts.filter(({ service }) => well(service)).flatMap(({ probes }) => probes);
  const service = probed.find((each) => world.containers[each]?.hung === true);
  if (service === undefined) return undefined;
  const failures = world.containers[service]!.failures + 1;
  if (failures < FAILURES)
    return { world: changed(world, service, { failures }), said: { what: 'probe-failed', service, count: failures } };
  return { world: crash(world, service).world, said: { what: 'probe-killed', service } };
}

function startNext(world: World): Step | undefined {
  const entry = Object.entries(world.starting).find(([, needs]) => isMet(world, needs));
  if (!entry) return undefined;
  const [service] = entry;
  const { [service]: _needs, ...starting } = world.starting;
  const next = started({ ...world, starting }, service, 0);
  if (!next) return { world: { ...world, starting }, said: { what: 'cannot-join', service } };
  return { world: next, said: { what: 'started', service } };
}

const isMet = (world: World, needs: Part['needs']): boolean =>
  Object.entries(needs).every(([service, condition]) => {
    const container = world.containers[service];
    // One that is about to start, or to start once more, is waited for.
    if (!container || service in world.starting) return false;
    if (condition === 'completed') return container.state === 'exited' && container.exitCode === 0;
    return container.state === 'running' && (condition === 'started' || container.ready);
  });

/** Whether it runs in a network that is no longer the one of those whose network it joined. */
export function isStranded(world: World, service: string): boolean {
  const container = world.containers[service];
  const { joins } = partOf(world, service);
  if (joins === null || container?.state !== 'running') return false;
  return container.network !== world.containers[joins]?.network;
}

/** Whether a visitor of the published port gets a page: through the sidecar, from the app, in one network. */
export function isServed(world: World): boolean {
  const along = chain(world.parts).map((service) => world.containers[service]);
  return along.every(
    (each) => each?.state === 'running' && each.ready && !each.hung && each.network === along[0]!.network,
  );
}

/**
 * Go on until nothing happens by itself.
 * @throws {Error} when it does not come to rest: a fault of the model
 */
export function settle({ world }: Pick<Step, 'world'>): World {
  for (let steps = 0, now = world; steps < 1000; steps++) {
    const next = step(now);
    if (!next) return now;
    now = next.world;
  }
  throw new Error('the model does not come to rest');
}
