/**
 * One seed, one run: the loop over a file on a machine that is simulated, with a server and an application that do all that
 * theirs may do, a disk that fails, kills at any system call and power cuts; and the judge of it.
 */
import { onMachine, ROOT, settle } from '#kit/testing/simulation/install.ts';
import { Machine } from '#kit/testing/simulation/machine.ts';
import { Random } from '#kit/testing/simulation/random.ts';
import { ManagedFile } from '../../apply/managed-file.ts';
import { Runner } from '../../loop/runner.ts';
import type { FilePlan } from '../../settings/plan.ts';
import { SimulatedApplication } from './application.ts';
import { KEY, Server, type Kind, type Manners } from './server.ts';

const PATH = `${ROOT}/config/app.json`;
const STATE = `${ROOT}/state`;
/** There before the first version. */
const INITIAL = JSON.stringify({ number: 0, kind: 'good' });

/** Milliseconds in which everything may happen; then all is well, and within the second time all must be in its place. */
const TROUBLE = 20_000;
const CALM = 40_000;
const POLL = 2000;

export const PLAN: FilePlan = {
  key: KEY,
  path: PATH,
  recipe: undefined,
  mode: 0o644,
  rules: { syntax: 'json', schema: undefined, check: undefined, checkTimeout: 5000, commandEnvironment: [] },
  fingerprint: 'rules',
  notification: undefined,
  notifyTimeout: 5000,
  verification: undefined,
  startTimeout: 5000,
  commandEnvironment: [],
};

/** What a seed is about. */
export interface Scenario {
  readonly manners: Manners;
  readonly versions: number;
  readonly kinds: readonly Kind[];
  /** Milliseconds between two crashes of the application, on average. */
  readonly crashes: number;
  /** Share of writes that fail while the disk is bad, and with what. */
  readonly disk: { readonly share: number; readonly code: string };
  /** How often the sidecar is killed, and how many of the kills are power cuts. */
  readonly kills: number;
  readonly cuts: number;
  readonly initial: boolean;
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed ^ 0x5eed);
  const some = (most: number): number => (random.chance(0.5) ? 0 : random.between(0, most));
  return {
    manners: { late: some(0.3), half: some(0.2), fails: some(0.3), never: some(0.2), silent: some(0.5) },
    versions: random.int(3, 12),
    kinds: random.pick<readonly Kind[]>([
      ['good'],
      ['good', 'good', 'refused'],
      ['good', 'refused', 'invalid'],
      ['refused', 'invalid'],
    ]),
    crashes: random.chance(0.5) ? Infinity : random.between(1000, 20_000),
    disk: { share: some(0.2), code: random.pick(['ENOSPC', 'EIO']) },
    kills: random.int(0, 8),
    cuts: random.pick([0, 0.5, 1]),
    initial: random.chance(0.7),
  };
}

export interface Result {
  readonly problems: readonly string[];
  readonly digest: number;
  readonly trace: readonly string[] | undefined;
}

const WRITES = new Set(['open', 'write', 'fsync', 'rename', 'mkdir', 'link', 'fchmod']);

/** Run a seed. @param trace keep what was done as text */
export async function simulate(seed: number, trace = false): Promise<Result> {
  const scenario = scenarioOf(seed);
  const machine = new Machine(seed, { trace, callTime: (random) => random.between(0.01, 2) });
  const problems = await onMachine(machine, () => new Run(machine, scenario).judge());
  return { problems, digest: machine.digest, trace: machine.trace };
}

class Run {
  readonly #machine: Machine;
  readonly #scenario: Scenario;
  readonly #server: Server;
  readonly #application: SimulatedApplication;
  readonly #problems = new Set<string>();
  /** The version that is good for sure, as content; and one that is or is not, since a kill came before that was written down. */
  #good: string | undefined;
  #perhaps: string | undefined;
  #runner: Runner | undefined;
  #kills: number;

  constructor(machine: Machine, scenario: Scenario) {
    this.#machine = machine;
    this.#scenario = scenario;
    this.#server = new Server(machine, scenario.manners);
    this.#application = new SimulatedApplication(machine, PATH);
    this.#kills = scenario.kills;
  }

  async judge(): Promise<string[]> {
    const { versions, kinds, crashes, initial, disk } = this.#scenario;
    const { files, random } = this.#machine;
    const machine = this.#machine;
    for (const path of [ROOT, `${ROOT}/config`, STATE]) files.mkdir(path);
    if (initial) {
      this.#good = INITIAL;
      const fd = files.open(PATH, { write: true, create: true }, 'installer');
      files.write(fd, Buffer.from(INITIAL));
      files.sync(fd);
      files.close(fd);
    }
    for (const path of ['/', ROOT, `${ROOT}/config`]) this.#flush(path);
    machine.fault = (call, path) => {
      this.#look();
      const isBad = machine.now < TROUBLE && WRITES.has(call) && !path.startsWith('/proc');
      return isBad && random.chance(disk.share) ? disk.code : undefined;
    };
    this.#server.told = () => this.#runner?.told(KEY);
    machine.start(this.#server.publish(versions, kinds));
    machine.start(this.#application.live(crashes));
    machine.start(this.#poll());
    this.#start();
    await machine.run(TROUBLE, settle);
    this.#server.behaves = this.#application.behaves = true;
    machine.killAfter = Infinity;
    this.#kills = 0;
    await machine.run(TROUBLE + CALM, settle);
    this.#end();
    machine.kill();
    return [...this.#problems];
  }

  #flush(path: string): void {
    const fd = this.#machine.files.open(path, {}, 'installer');
    this.#machine.files.sync(fd);
    this.#machine.files.close(fd);
  }

  /** The sidecar starts, to be killed at one of its system calls. */
  #start(): void {
    const { random } = this.#machine;
    if (this.#kills > 0) {
      this.#kills -= 1;
      this.#machine.killAfter = this.#machine.calls + random.int(1, random.chance(0.5) ? 20 : 200);
    }
    this.#machine.boot(() => {
      this.#runner = this.#sidecar();
      void this.#runner.run();
    });
    this.#machine.after(1, () => this.#watch());
  }

  /** Whoever supervises the sidecar starts it again. */
  #watch(): void {
    const { random, files } = this.#machine;
    if (this.#machine.alive) return this.#machine.after(10, () => this.#watch());
    this.#runner = undefined;
    if (random.chance(this.#scenario.cuts)) {
      this.#machine.say('the power is cut');
      files.forgetNames(random.next());
      files.crash(`${ROOT}/`, () => random.next());
      this.#application.cutPower();
    }
    this.#machine.after(random.between(10, 2000), () => this.#start());
  }

  #sidecar(): Runner {
    const said =
      (level: string) =>
      (about: unknown, text?: string): void => {
        const line = `${level}: ${text ?? ''} ${JSON.stringify(about)}`;
        this.#machine.say(line);
        if (text === 'applied' || text?.startsWith('same content')) this.#confirmed();
        // What is left of one that was killed says so.
        if (this.#machine.alive && line.includes('internal error')) this.#problems.add(line);
      };
    const log = { info: said('info'), warn: said('warn'), error: said('error') };
    const { signal } = new AbortController();
    const file = new ManagedFile({
      plan: PLAN,
      stateDirectory: STATE,
      oneTime: false,
      signal,
      application: this.#application,
      events: {
        log,
        report: async (version, state) => {
          if (state === 'applied') this.#reported(version);
        },
        notifyFailed: () => {},
        drifted: () => {},
        damaged: () => {},
      },
    });
    const nothing = (): void => {};
    return new Runner({
      files: [file],
      read: () => this.#server.read(),
      maxSize: 1024 * 1024,
      minInterval: 100,
      retryMax: 2000,
      log,
      signal,
      events: { seen: nothing, ended: nothing, superseded: nothing, storageFailed: nothing, stepped: nothing },
    });
  }

  #reported(version: string): void {
    this.#machine.note(`applied ${version}`);
    const { content } = this.#server.versions.find((each) => each.version === version)!;
    if (!this.#application.taken.has(String(content)))
      this.#problems.add(`${version} is reported as applied, and the application never ran with it`);
    this.#perhaps = String(content);
  }

  /** What was reported is written down. */
  #confirmed(): void {
    this.#good = this.#perhaps;
    this.#perhaps = undefined;
  }

  /** Changes may not be told of: the latest version is looked for. */
  *#poll(): Generator<number, void, void> {
    for (;;) {
      yield POLL;
      this.#runner?.told(KEY);
    }
  }

  /** What readers see, at any moment. */
  #look(): void {
    const inode = this.#machine.files.at(PATH);
    if (inode === undefined) {
      if (this.#scenario.initial) this.#problems.add('there is no file');
      return;
    }
    const content = String(inode.bytes.subarray(0, inode.size));
    if (content === INITIAL) return;
    const found = this.#server.versions.find((each) => String(each.content) === content);
    if (found === undefined) this.#problems.add(`the file is of no version: ${inode.size} bytes`);
    else if (found.kind === 'invalid') this.#problems.add(`${found.version} is visible, and is not valid`);
  }

  #end(): void {
    this.#look();
    const { latest } = this.#server;
    const expected = latest.kind === 'good' ? String(latest.content) : this.#good;
    const inode = this.#machine.files.at(PATH);
    const there = inode && String(inode.bytes.subarray(0, inode.size));
    // Without a version to go back to, a refused one stays.
    if (expected === undefined) return;
    const name = (text: string | undefined): string => (text === undefined ? 'none' : text.slice(0, 40));
    if (latest.kind !== 'good' && this.#perhaps !== undefined && there === this.#perhaps) return;
    if (there !== expected) this.#problems.add(`at the end ${name(there)} is in place, and not ${name(expected)}`);
    const shown = this.#application.shows && String(this.#application.shows);
    if (shown !== expected)
      this.#problems.add(`at the end the application shows ${name(shown)}, and not ${name(expected)}`);
    if (this.#machine.thrown.length > 0) this.#problems.add(`thrown: ${String(this.#machine.thrown[0])}`);
  }
}
