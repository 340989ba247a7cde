/** One exercise while somebody works on it: brought up, brought up to date after each edit, looked at. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Project } from '../../scripts/lib/compose.ts';
import { EngineError } from '../../scripts/lib/engine.ts';
import { buildImages } from '../../scripts/lib/images.ts';
import { run, lastLines } from '../../scripts/lib/run.ts';
import { removeByLabel } from '../../scripts/runner/tear-down.ts';
import { reasonOf, type Reason } from '../languages/reasons.ts';
import { exerciseHere, Unmet, type Check, type Exercise, type Place, type Stage } from './exercise.ts';
import { containersFingerprint, filesFingerprint } from './fingerprint.ts';
import { why } from './why.ts';
import type { Workspace } from './workspace.ts';

/** What became of a check. `waiting`: it comes when those before it are green. */
export interface Result {
  readonly must: string;
  readonly state: 'met' | 'unmet' | 'waiting';
  /** Why it is not met. */
  readonly why?: Reason;
  /** Not a state of the learner's, but a fault of the check. */
  readonly broken?: boolean;
}

/** What has been started may take this long until a check is believed to be red, in milliseconds. */
const SETTLES = 15_000;
/** Between two looks, in milliseconds. */
const EVERY = 300;
const UP_MS = 180_000;
const SCRIPT_MS = 240_000;
/** A trial that failed is made again after this time, although nothing has changed, in milliseconds. */
const TRY_AGAIN = 10_000;

export class Session {
  readonly place: Place;
  readonly workspace: Workspace;
  readonly stage: Stage;
  #exercise: Exercise | undefined;
  /** The last trials: of which state, and what came of it. */
  #tried: { readonly state: string; readonly at: number; readonly results: readonly Result[] } | undefined;
  /** The files as they were when compose was last told. */
  #applied: string | undefined;

  constructor(place: Place, workspace: Workspace) {
    this.place = place;
    this.workspace = workspace;
    this.stage = workspace.stage(place);
  }

  async exercise(): Promise<Exercise> {
    return (this.#exercise ??= await exerciseHere(this.place));
  }

  /** Whether files have changed since compose was last told. */
  get changed(): boolean {
    return filesFingerprint(this.stage.dir) !== this.#applied;
  }

  /**
   * Copy the exercise's files, unless they are there, build images and bring the project up.
   * @returns what compose complained of, for the learner; undefined when nothing
   */
  async begin(signal?: AbortSignal): Promise<string | undefined> {
    this.workspace.begin(this.place);
    return this.apply(signal);
  }

  /**
   * Make the containers what the files say.
   * @returns what compose complained of; undefined when nothing
   */
  async apply(signal?: AbortSignal): Promise<string | undefined> {
    this.#applied = filesFingerprint(this.stage.dir);
    const { runs } = await this.exercise();
    if (!runs) return undefined;
    try {
      await buildMissing(this.stage, signal);
      await this.stage.project.compose(['up', '--detach', '--remove-orphans', '--timeout', '3'], {
        timeoutMs: UP_MS,
        signal,
      });
      return undefined;
    } catch (error) {
      if (!(error instanceof EngineError) || error.reason === 'aborted') throw error;
      if (error.reason !== 'failed' && error.reason !== 'timeout') throw error;
      return error.stderr.at(-1) ?? error.message;
    }
  }

  /**
   * Observe every check once; trials only when all else is green.
   * @returns one result for each check, in their order
   */
  async look(): Promise<Result[]> {
    const { checks, runs } = await this.exercise();
    const results = new Map<Check, Result>();
    for (const check of checks.filter(({ trial }) => !trial)) results.set(check, await this.#observe(check));
    const trials = checks.filter(({ trial }) => trial);
    const met = [...results.values()].every(({ state }) => state === 'met');
    // A trial crashes or pushes something: it must not spoil what the first steps let the learner look at.
    const tried =
      met && !this.workspace.untouched(this.place)
        ? await this.#try(trials, runs)
        : trials.map(({ must }) => ({
            must,
            state: 'waiting' as const,
            ...(met && { why: why('notYetTried') }),
          }));
    trials.forEach((check, index) => results.set(check, tried[index]!));
    const all = checks.map((check) => results.get(check)!);
    if (all.every(({ state }) => state === 'met')) this.#note();
    return all;
  }

  /** Whether containers of the exercise run, started here or by hand. */
  async isUp(): Promise<boolean> {
    const { runs } = await this.exercise();
    return runs && (await this.stage.project.containers()).some(({ State }) => State.Running);
  }

  /**
   * Look until every check is met, or until what was applied has had its time.
   * @param within milliseconds since the youngest container was started
   */
  async settled(signal?: AbortSignal, within = SETTLES): Promise<Result[]> {
    for (;;) {
      const results = await this.look();
      if (results.every(({ state }) => state === 'met')) return results;
      const { runs } = await this.exercise();
      const containers = runs ? await this.stage.project.containers() : [];
      const youngest = Math.max(0, ...containers.map(({ State }) => Date.parse(State.StartedAt) || 0));
      if (Date.now() - youngest > within) return results;
      await pause(EVERY, undefined, { signal });
    }
  }

  /**
   * Lay a variant over the learner's files and do what it does besides.
   * @param variant such as `solution`
   */
  async take(variant: string, signal?: AbortSignal): Promise<string | undefined> {
    const script = this.workspace.overlay(this.place, variant);
    const complaint = await this.apply(signal);
    if (script === undefined) return complaint;
    const { exitCode, stderr, stdout } = await run('bash', [script], {
      cwd: this.stage.dir,
      // Where npm was called is not where the learner's files are.
      env: { INIT_CWD: this.stage.dir },
      timeoutMs: SCRIPT_MS,
      signal,
    });
    if (exitCode === 0) return complaint;
    return `${variant}/do.sh ended with ${exitCode}: ${lastLines(`${stdout}\n${stderr}`, 5).join(' · ')}`;
  }

  /** Remove the containers; what they wrote stays in their volumes, for the next time. */
  async leave(): Promise<void> {
    const { runs } = await this.exercise();
    if (!runs || !this.workspace.has(this.place)) return;
    await this.#down(false);
  }

  /** Remove containers and volumes. */
  async end(): Promise<void> {
    const { runs } = await this.exercise();
    if (runs) await this.#down(true);
  }

  async #down(volumes: boolean): Promise<void> {
    const { project } = this.stage;
    const down = ['down', ...(volumes ? ['--volumes'] : []), '--remove-orphans', '--timeout', '1'];
    await project.compose(down, DOWN).catch(async (error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      // The learner's compose file may be broken; and compose gives up over a container that depends on one that is gone.
      await removeByLabel(project.name, volumes);
    });
  }

  /** Begin anew: the learner's changes go, and so do containers and volumes. */
  async reset(signal?: AbortSignal): Promise<string | undefined> {
    if (this.workspace.has(this.place)) await this.end();
    this.#tried = undefined;
    this.workspace.beginAnew(this.place);
    return this.begin(signal);
  }

  async #observe({ must, look }: Check): Promise<Result> {
    try {
      await look(this.stage);
      return { must, state: 'met' };
    } catch (error) {
      return { must, state: 'unmet', why: reasonOf(error), ...(isFault(error) && { broken: true }) };
    }
  }

  async #try(trials: readonly Check[], runs: boolean): Promise<readonly Result[]> {
    if (trials.length === 0) return [];
    const before = await this.#state(runs);
    const known = this.#tried;
    if (known && known.state === before && (known.results.every(({ state }) => state === 'met') || recent(known.at)))
      return known.results;
    const results: Result[] = [];
    for (const trial of trials) {
      const failed = results.some(({ state }) => state !== 'met');
      results.push(failed ? { must: trial.must, state: 'waiting' } : await this.#observe(trial));
    }
    // Of what there is afterwards: a trial may restart containers.
    this.#tried = { state: await this.#state(runs), at: performance.now(), results };
    return results;
  }

  async #state(runs: boolean): Promise<string> {
    const containers = runs ? await this.stage.project.containers() : [];
    return `${filesFingerprint(this.stage.dir)}\n${containersFingerprint(containers)}`;
  }

  #note(): void {
    const progress = this.workspace.progress(this.place);
    if (progress.done === undefined) this.workspace.note(this.place, { ...progress, done: new Date().toISOString() });
  }
}

const DOWN = { timeoutMs: 120_000 };

const recent = (at: number): boolean => performance.now() - at < TRY_AGAIN;

/** What a program of ours does wrong, and not what a learner has not done yet. */
const isFault = (error: unknown): boolean =>
  !(error instanceof Unmet) &&
  (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError);

const built = new Set<string>();
let building: Promise<unknown> = Promise.resolve();

/** Build the images of a project that this process has not built yet; one project at a time, since they share images. */
async function buildMissing({ project }: Stage, signal?: AbortSignal): Promise<void> {
  const turn = building.then(() => buildNow(project, signal));
  building = turn.catch(() => {});
  await turn;
}

async function buildNow(project: Project, signal?: AbortSignal): Promise<void> {
  const text = await project.compose(['config', '--format', 'json'], { timeoutMs: 30_000, signal });
  const { services = {} } = JSON.parse(text) as { services?: Record<string, { image?: string; build?: unknown }> };
  const missing = Object.entries(services)
    .filter(([, { image, build }]) => build !== undefined && !(image !== undefined && built.has(image)))
    .map(([name]) => name);
  if (missing.length === 0) return;
  await buildImages(project, missing, { timeoutMs: 600_000, signal });
  for (const name of missing) built.add(services[name]!.image ?? name);
}
