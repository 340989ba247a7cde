/**
 * One seed, one run: the whole sidecar on a machine that is simulated, with a git server and a git that do all that theirs
 * may do, a disk that fails, kills at any system call and power cuts; and the judge of it.
 */
import { onMachine, ROOT, settle } from '#kit/testing/simulation/install.ts';
import { Machine } from '#kit/testing/simulation/machine.ts';
import { Programs, type Executable } from '#kit/testing/simulation/processes.ts';
import { Random } from '#kit/testing/simulation/random.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import { contract } from '../../contract.ts';
import { startGitSync } from '../../git-sync.ts';
import { gitOf } from './git.ts';
import { below, PROGRAMS } from './programs.ts';
import { Server, type Kind, type Manners } from './server.ts';

export const VOLUME = `${ROOT}/git`;
const LINK = `${VOLUME}/live`;

/** Milliseconds in which everything may happen; then all is well, and within the second time all must be in its place. */
const TROUBLE = 30_000;
const CALM = 75_000;
/** No program runs for so long while all is well, in milliseconds. */
const FORGOTTEN = 20_000;

/** What a seed is about. */
export interface Scenario {
  readonly manners: Manners;
  readonly commits: number;
  readonly kinds: readonly Kind[];
  /** Share of writes that fail while the disk is bad, and with what. */
  readonly disk: { readonly share: number; readonly code: string };
  /** How often the sidecar is killed, how many of the kills end its programs too, and how many are power cuts. */
  readonly kills: number;
  readonly containers: number;
  readonly cuts: number;
  /** How often an operator takes back what is live. */
  readonly rollbacks: number;
  readonly env: Readonly<Record<string, string>>;
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed ^ 0x617);
  const some = (most: number): number => (random.chance(0.5) ? 0 : random.between(0, most));
  const gate = random.chance(0.5);
  return {
    manners: { late: some(0.3), cut: some(0.2), fails: some(0.3), never: some(0.1), silent: some(0.8) },
    commits: random.int(2, 10),
    kinds: gate ? random.pick<readonly Kind[]>([['good'], ['good', 'good', 'refused'], ['good', 'refused']]) : ['good'],
    disk: { share: some(0.1), code: random.pick(['ENOSPC', 'EIO']) },
    kills: random.int(0, 8),
    containers: random.pick([0, 0.5, 1]),
    cuts: random.pick([0, 0, 0.3, 1]),
    rollbacks: random.chance(0.3) ? random.int(1, 3) : 0,
    env: {
      GITSYNC_REPO: 'https://git.test/shop.git',
      GITSYNC_REF: 'main',
      GITSYNC_ROOT: VOLUME,
      GITSYNC_LINK: 'live',
      GITSYNC_PERIOD: '2s',
      GITSYNC_SYNC_TIMEOUT: '10s',
      GITSYNC_STALE_WORKTREE_TIMEOUT: random.pick(['0s', '2s', '20s']),
      GITSYNC_SUBMODULES: 'off',
      GITSYNC_PUBLISH: random.pick(['link', 'exchange']),
      GITSYNC_SHARE_FILES: String(random.chance(0.5)),
      GITSYNC_ERROR_FILE: '.error.json',
      ...(gate && { GITSYNC_GATE_COMMAND: 'gate' }),
    },
  };
}

export interface Result {
  readonly problems: readonly string[];
  readonly digest: number;
  readonly trace: readonly string[] | undefined;
}

/** Run a seed. @param trace keep what was done as text */
export async function simulate(seed: number, trace = false): Promise<Result> {
  const machine = new Machine(seed, { trace, callTime: (random) => random.between(0.01, 1) });
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = `${ROOT}/tmp`;
  try {
    const problems = await onMachine(machine, () => new Run(machine, scenarioOf(seed)).judge());
    return { problems, digest: machine.digest, trace: machine.trace };
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
}

/** Calls that fail on a disk that is full, and on one that has errors. */
const WRITES: Readonly<Record<string, ReadonlySet<string>>> = {
  ENOSPC: new Set(['write', 'rename', 'mkdir', 'link', 'symlink']),
  EIO: new Set(['open', 'read', 'write', 'fsync', 'rename', 'mkdir', 'link', 'symlink', 'chmod']),
};
type GitSyncKit = Parameters<typeof startGitSync>[0];

class Run {
  readonly #machine: Machine;
  readonly #scenario: Scenario;
  readonly #server: Server;
  readonly #programs: Programs;
  readonly #problems = new Set<string>();
  /** What the sidecar does when it gets a signal. */
  readonly #signals = new Map<string, () => void>();
  #kills: number;
  /** Something was published, and no power cut has made it doubtful since. */
  #isSure = false;
  /** Versions that readers may see, by what a directory of theirs holds. */
  readonly #versions = new Map<string, string>();
  /** Of the file system, when readers last looked. */
  #seen = 0;
  /** What an operator took back, and what is on the disk says so. */
  #takenBack: string | undefined;

  constructor(machine: Machine, scenario: Scenario) {
    this.#machine = machine;
    this.#scenario = scenario;
    this.#server = new Server(machine, scenario.manners);
    const git = gitOf(this.#server);
    const find = (name: string): Executable | undefined =>
      // prlimit(1) sets a limit and becomes the program.
      name.endsWith('/prlimit')
        ? (run) => git({ ...run, argv: run.argv.slice(run.argv.indexOf('--') + 2) })
        : PROGRAMS[name];
    this.#programs = new Programs(machine, find, () => this.#look());
    this.#kills = scenario.kills;
  }

  /** Run it all. @returns what was wrong */
  async judge(): Promise<string[]> {
    process.on = ((name: string, listener: () => void) => {
      this.#signals.set(name, listener);
      return process;
    }) as typeof process.on;
    try {
      await this.#live();
    } finally {
      // What it had before is its prototype's.
      Reflect.deleteProperty(process, 'on');
    }
    return [...this.#problems];
  }

  async #live(): Promise<void> {
    const machine = this.#machine;
    const { commits, kinds, disk, rollbacks } = this.#scenario;
    const { files, random } = machine;
    for (const path of [ROOT, `${ROOT}/tmp`, VOLUME]) files.mkdir(path);
    files.syncAll();
    machine.fault = (call, path) => {
      this.#look();
      const isBad = machine.now < TROUBLE && WRITES[disk.code]!.has(call) && !path.startsWith(`${ROOT}/tmp`);
      return isBad && random.chance(disk.share) ? disk.code : undefined;
    };
    this.#server.told = () => this.#signal('SIGHUP');
    machine.start(this.#server.publish(commits, kinds));
    for (let count = rollbacks; count > 0; count--)
      machine.after(random.between(0, TROUBLE), () => this.#signal('SIGUSR2'));
    this.#start();
    await machine.run(TROUBLE, settle);
    this.#server.behaves = true;
    machine.killAfter = Infinity;
    this.#kills = 0;
    if (random.chance(0.5)) this.#server.push(random.pick(kinds));
    await machine.run(TROUBLE + CALM, settle);
    this.#end();
    machine.kill();
    this.#programs.endAll();
  }

  /** The sidecar starts, to be killed at one of its system calls. */
  #start(): void {
    const { random } = this.#machine;
    if (this.#kills > 0) {
      this.#kills -= 1;
      if (random.chance(0.5))
        this.#machine.killAfter = this.#machine.calls + random.int(1, random.chance(0.5) ? 40 : 400);
      else this.#killWithin(random.between(1, random.chance(0.5) ? 300 : 5000));
    }
    this.#machine.boot(() => {
      void startGitSync(this.#kit()).catch((error: Error) => {
        if (!this.#machine.alive) return;
        this.#machine.say(`the sidecar ends: ${error.message}`);
        this.#machine.kill();
      });
    });
    this.#machine.after(1, () => this.#watch());
  }

  /** Kill it at a moment at which its programs may be at work. @param ms from now */
  #killWithin(ms: number): void {
    const boot = this.#machine.boots + 1;
    this.#machine.after(ms, () => {
      if (this.#machine.alive && this.#machine.boots === boot && this.#machine.now < TROUBLE) this.#machine.kill();
    });
  }

  /** Whoever supervises the sidecar starts it again. */
  #watch(): void {
    const { random, files } = this.#machine;
    if (this.#machine.alive) return this.#machine.after(10, () => this.#watch());
    this.#signals.clear();
    if (random.chance(this.#scenario.cuts)) {
      this.#machine.say('the power is cut');
      this.#programs.endAll();
      files.forgetNames(random.next());
      files.crash(`${ROOT}/`, () => random.next());
      this.#machine.powerCuts += 1;
      this.#isSure = false;
    } else if (random.chance(this.#scenario.containers)) this.#programs.endAll();
    this.#machine.after(random.between(10, 2000), () => this.#start());
  }

  #signal(name: string): void {
    if (this.#machine.alive) this.#machine.immediate(() => this.#signals.get(name)?.());
  }

  #kit(): GitSyncKit {
    const nothing = (): void => {};
    const said =
      (level: string) =>
      (about: unknown, text?: string): void => {
        this.#machine.say(`${level}: ${text ?? ''} ${JSON.stringify(about)}`);
        if (text === undefined) return;
        const { hash, by } = about as { hash?: string; by?: string };
        if (text === 'published') this.#isSure = true;
        if (text.startsWith('refused: ') && by === 'operator') this.#takenBack = hash;
      };
    const metric = { inc: nothing, set: nothing, observe: nothing, reset: nothing };
    const synced = {
      ...metric,
      inc: ({ status }: { status: string }) => {
        if (status === 'success' || status === 'noop') this.#isSure = true;
      },
    };
    const metrics = new Proxy({}, { get: (_, name) => (name === 'git_sync_count_total' ? synced : metric) });
    return {
      parameters: readParameters(contract.parameters, { env: this.#scenario.env }).values,
      log: { debug: nothing, info: said('info'), warn: said('warn'), error: said('error') },
      metrics,
      readiness: { check: () => ({ pass: nothing, fail: nothing }) },
      shutdown: { step: nothing, run: async () => {} },
      adminPath: nothing,
    } as unknown as GitSyncKit;
  }

  /** What readers see, at any moment: one commit, whole, that passed its gate. */
  #look(): void {
    const { version } = this.#machine.files;
    if (!this.#isSure || version === this.#seen) return;
    this.#seen = version;
    const wrong = this.#wrong();
    if (wrong !== undefined) this.#problems.add(`${wrong}, at ${this.#machine.now.toFixed(0)} ms`);
  }

  #wrong(): string | undefined {
    const { files } = this.#machine;
    if (files.at(LINK)?.directory !== true) return 'there is no version';
    const seen = this.#contentOf(LINK);
    if (this.#versions.has(seen)) return undefined;
    const isGated = this.#scenario.env['GITSYNC_GATE_COMMAND'] !== undefined;
    for (const { hash, kind, files: content } of this.#server.commits) {
      const built = isGated ? { ...content, built: `by ${hash}\n` } : content;
      if (textOf(built) !== seen) continue;
      if (kind === 'refused') return `${hash} is visible, and was refused`;
      this.#versions.set(seen, hash);
      return undefined;
    }
    return `what is visible is of no commit: ${seen.slice(0, 300)}`;
  }

  #contentOf(directory: string): string {
    const { files } = this.#machine;
    const paths = below(files, directory).filter((path) => files.named(path)?.directory === false);
    return textOf(
      Object.fromEntries(paths.map((path) => [path.slice(directory.length + 1), String(files.contentOf(path))])),
    );
  }

  #end(): void {
    const { tip, commits } = this.#server;
    const isToBe = tip.kind === 'good' && this.#takenBack !== tip.hash;
    const wrong = isToBe || this.#isSure ? this.#wrong() : undefined;
    if (wrong !== undefined) this.#problems.add(`at the end: ${wrong}`);
    else if (this.#isSure || isToBe) {
      const live = this.#versions.get(this.#contentOf(LINK));
      if (isToBe && live !== tip.hash) this.#problems.add(`at the end ${live} is live, and not ${tip.hash}`);
      if (!isToBe && live === tip.hash && commits.length > 1)
        this.#problems.add(`at the end ${live} is live, which was taken back`);
    }
    const { files } = this.#machine;
    const left = below(files, `${VOLUME}/.worktrees`).filter((path) => /\/\.gone-[^/]*$/.test(path));
    if (left.length > 0) this.#problems.add(`at the end ${left.length} discarded versions are still there`);
    for (const { argv, started } of this.#programs.running)
      if (this.#machine.now - started > FORGOTTEN) this.#problems.add(`at the end ${argv.join(' ')} still runs`);
    if (this.#machine.thrown.length > 0)
      this.#problems.add(`thrown: ${String((this.#machine.thrown[0] as Error).stack)}`);
  }
}

const textOf = (files: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
