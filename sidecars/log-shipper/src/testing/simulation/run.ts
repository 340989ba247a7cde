/** One seed is one run: applications write, logrotate rotates, the store fails, the shipper is killed; and what came of it. */
import { onMachine, settle } from '#kit/testing/simulation/install.ts';
import { Machine } from '#kit/testing/simulation/machine.ts';
import { Random } from '#kit/testing/simulation/random.ts';
import type { Readiness } from '#kit/life/readiness.ts';
import { diskFaultsOf, failDisk, type DiskFaults } from './disk.ts';
import { startShipper, STATE, type Heard } from './shipper.ts';
import { SimulatedStore, type StoreFaults } from './store.ts';
import { Application, linesInFiles, Logrotate, LOGS, type Rotation } from './world.ts';

export interface Outcome {
  readonly seed: number;
  /** What was not as it must be. */
  readonly problems: readonly string[];
  /** The same for each run of a seed. */
  readonly digest: number;
  readonly trace: readonly string[];
  readonly lines: number;
}

/** What happens in a run. */
export interface Scenario {
  readonly applications: number;
  readonly writes: number;
  readonly pauses: readonly [number, number];
  readonly rotation: Rotation;
  readonly store: StoreFaults;
  readonly disk: DiskFaults;
  /** The longest that a system call of the shipper takes, in milliseconds: how busy the machine is. */
  readonly slowest: number;
  /** How finely files are dated, in microseconds: a kernel takes the time of its last tick. */
  readonly granularity: number;
  readonly kills: number;
  readonly env: Readonly<Record<string, string>>;
}

/** A seed's disk fails, its logs are deleted, its files dated, and its lines events by other numbers than all else. */
const DISK = 1e9;
const DELETION = 2e9;
const CLOCK = 3e9;
const EVENTS = 4e9;

/** How many rotated logs there are when none is deleted. */
export const ALL = 40;

/** What happens by a seed. @param random where the machine takes its numbers from, too */
export function scenarioOf(seed: number, random = new Random(seed)): Scenario {
  const calm = random.chance(0.4);
  const likely = (most: number): number => (calm ? 0 : random.between(0, most));
  const every = random.pick([400, 1500, 4000, 4000]);
  const disk = diskFaultsOf(new Random(seed + DISK));
  // Which lines are one event is not promised where the disk forgets what was noted, or a file cannot be read.
  const hasEvents = !disk.powerCut && disk.unreadable === 0 && new Random(seed + EVENTS).chance(0.3);
  return {
    applications: random.pick([1, 1, 2, 3, 6]),
    writes: random.pick([20, 60]),
    pauses: random.pick([
      [1, 20],
      [5, 200],
      [0, 1500],
    ]),
    rotation: {
      mode: random.pick(['create', 'nocreate', 'copytruncate', 'copytruncate']),
      compress: random.pick(['no', 'at once', 'delayed']),
      every,
      times: random.int(1, 5),
      keep: keepOf(new Random(seed + DELETION)),
      callTime: random.pick([
        [0.01, 0.1],
        [0.1, 2],
        [1, 60],
      ]),
    },
    store: {
      refused: likely(0.3),
      unheard: likely(0.2),
      busy: likely(0.3),
      item: random.chance(0.8) ? 0 : likely(0.1),
      half: likely(0.1),
      delay: random.pick([
        [1, 5],
        [5, 300],
        [100, 3000],
      ]),
    },
    disk,
    slowest: random.pick([0.02, 0.5, 5, 20]),
    granularity: granularityOf(seed),
    kills: random.chance(0.5) ? random.int(1, 3) : 0,
    env: {
      FILE_MAX_OPEN: random.pick(['2', '4', '256']),
      ...(random.chance(0.2) && { BULK_MAX_RECORDS: '3' }),
      ...(random.chance(0.2) && { QUEUE_MAX_RECORDS: '20' }),
      ...(hasEvents && EVENTS_OF_LINES),
      STORE_RETRY_MAX: '2s',
      FILE_PARTIAL_TIMEOUT: `${PARTIAL}ms`,
    },
  };
}

const granularityOf = (seed: number): number => new Random(seed + CLOCK).pick([1, 1, 1000, 4000]);
const keepOf = (random: Random): number => (random.chance(0.6) ? ALL : random.int(0, 3));

/** Four of ten lines begin an event. */
export const EVENTS_OF_LINES = { MULTILINE_START: String.raw`^\S*#\d*[0257] ` };

/** When a line without its end is one, in milliseconds: longer than a writer stops within one. */
const PARTIAL = 5000;

/** How long the shipper has when nothing new happens any more, in milliseconds: longer than anything that it waits for. */
const REST = 20_000;

export interface RunOptions {
  /** Keep what was done as text. */
  readonly trace?: boolean;
  /** What is otherwise than the seed says. */
  readonly change?: Partial<Scenario>;
}

/** Run one seed. */
export async function simulate(seed: number, { trace = false, change = {} }: RunOptions = {}): Promise<Outcome> {
  const { granularity = granularityOf(seed) } = change;
  const machine = new Machine(seed, { trace, granularity, callTime: (random) => random.between(0.001, slowest) });
  const { random, files } = machine;
  const scenario = { ...scenarioOf(seed, random), ...change };
  let { slowest } = scenario;
  const store = new SimulatedStore(machine, scenario.store);
  const heard: Heard = { lost: [], errors: [], said: (what) => machine.say(what) };
  const problems: string[] = [];
  let readiness: Readiness | undefined;
  let isStarting = false;
  const boot = (): void =>
    machine.boot(() => {
      isStarting = true;
      try {
        readiness = startShipper(store, heard, scenario.env, () => machine.alive);
      } finally {
        isStarting = false;
      }
    });
  machine.say(JSON.stringify(scenario));
  failDisk(
    machine,
    scenario.disk,
    () => store.calm,
    () => isStarting,
  );
  await onMachine(machine, async () => {
    for (const each of ['/simulated', LOGS]) files.mkdir(each);
    boot();
    const applications = Array.from(
      { length: scenario.applications },
      (_, number) => new Application(machine, `${number}.log`),
    );
    for (const each of applications) machine.start(each.write(scenario.writes, scenario.pauses));
    const logrotate = new Logrotate(machine, applications, scenario.rotation);
    machine.start(logrotate.run());
    for (let kill = 0; kill < scenario.kills; kill++) {
      await machine.run(machine.now + random.between(50, 4000), settle);
      machine.killAfter = machine.calls + random.int(1, 400);
      await machine.run(machine.now + 3000, settle);
      if (machine.alive) machine.kill();
      if (scenario.disk.powerCut) files.crash(STATE, () => random.next());
      await settle();
      await machine.run(machine.now + random.pick([0, 10, 3000]), settle);
      boot();
    }
    while (machine.programs > 0) await machine.run(machine.now + 1000, settle);
    slowest = 0.02;
    store.calm = true;
    await machine.run(machine.now + REST, settle);
    for (const { name, ready, text } of readiness?.states() ?? [])
      if (!ready) problems.push(`at the end ${name} is not ready: ${text}`);
    machine.kill();
    problems.push(
      ...machine.thrown.map((e) => String((e as Error).stack)),
      ...judge(applications, store, heard, linesInFiles(files), isOrdered(scenario)),
      ...(isQuick(scenario) ? deletedUnread(applications, store, logrotate) : []),
    );
  });
  const lines = store.lines.length;
  return { seed, problems, digest: machine.digest, trace: machine.trace ?? [], lines };
}

/**
 * Whether the README promises the order: not where the store puts off single items, nor where a file cannot be read, nor where a file is rotated while a
 * scan looks for it, as it is when that takes longer than the time between two rotations.
 */
function isOrdered({ store, rotation, slowest, disk }: Scenario): boolean {
  return store.item === 0 && disk.unreadable === 0 && rotation.every >= 4000 && slowest < 1;
}

/** Whether nothing keeps the shipper from reading a log before it is deleted. */
function isQuick({ store, disk, slowest, kills, env }: Scenario): boolean {
  const { delay, ...faults } = store;
  const faultless = Object.values(faults).every((chance) => chance === 0) && delay[1] <= 300;
  return (
    faultless &&
    disk.unreadable === 0 &&
    disk.state === 0 &&
    disk.full[1] === 0 &&
    slowest < 1 &&
    kills === 0 &&
    env['BULK_MAX_RECORDS'] === undefined &&
    env['QUEUE_MAX_RECORDS'] === undefined
  );
}

/** A line that was there for so long is read before it is deleted, in milliseconds. */
const LONG = 5000;

/** Lines that were deleted long after they were written, and are not in the store. */
function deletedUnread(
  applications: readonly Application[],
  { lines }: SimulatedStore,
  { deleted }: Logrotate,
): string[] {
  const stored = new Set(lines);
  return applications.flatMap(({ written, writtenAt }) =>
    written
      .filter((line, at) => !stored.has(line) && (deleted.get(line) ?? 0) - writtenAt[at]! > LONG)
      .map((line) => `deleted unread: ${line.slice(0, 20)}`),
  );
}

/** What is not as it must be. */
function judge(
  applications: readonly Application[],
  store: SimulatedStore,
  { lost }: Heard,
  inFiles: ReadonlySet<string>,
  ordered: boolean,
): string[] {
  const problems: string[] = [];
  const whole = new Set(applications.flatMap(({ written }) => written));
  const arrived = new Map<string, number>();
  for (const [place, line] of store.lines.entries()) {
    if (arrived.has(line) && whole.has(line)) problems.push(`twice: ${line.slice(0, 20)}`);
    arrived.set(line, place);
  }
  let nowhere = 0;
  for (const { written } of applications) {
    let last = -1;
    for (const line of written) {
      const place = arrived.get(line);
      arrived.delete(line);
      if (place === undefined && inFiles.has(line)) problems.push(`missing: ${line.slice(0, 20)}`);
      // Only its newline, perhaps.
      else if (place !== undefined && !inFiles.has(line)) nowhere += 1;
      else if (place === undefined) nowhere += line.length + 1;
      else if (ordered && place < last) problems.push(`out of order: ${line.slice(0, 20)}`);
      else last = place;
    }
  }
  // copytruncate may come between the parts of a line.
  const torn = applications.flatMap(({ written }) => written.filter((line) => !inFiles.has(line)));
  const isTorn = (part: string): boolean => torn.some((line) => line.includes(part));
  for (const line of arrived.keys())
    if (!isTorn(line)) problems.push(`nobody wrote: ${JSON.stringify(line.slice(0, 40))}`);
  // What is unconfirmed may be in the store, as the shipper says.
  const told = lost.filter(({ reason }) => reason !== 'unconfirmed').reduce((sum, { bytes }) => sum + bytes, 0);
  if (told > nowhere) problems.push(`${told} bytes are reported lost of ${nowhere}: ${JSON.stringify(lost)}`);
  return problems;
}
