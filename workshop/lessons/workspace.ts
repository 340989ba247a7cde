/**
 * Where a learner works: a folder of copies, one for each exercise, and what is known of the progress. Exercises
 * of two workspaces do not meet: compose projects are named after the workspace.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { thisClone } from '../../scripts/lib/clone.ts';
import { Project } from '../../scripts/lib/compose.ts';
import { isLanguage, type Language } from '../languages/languages.ts';
import { WORKSHOP, type Place, type Stage } from './exercise.ts';
import { keep, kept } from './kept.ts';

/** A script of a solution: what it does besides files. It is run, not copied. */
export const SCRIPT = 'do.sh';

export interface Progress {
  /** Hints shown. */
  hints: number;
  /** When all checks were green for the first time, as ISO 8601; absent before. */
  done?: string;
}

export class Workspace {
  readonly root: string;
  readonly #prefix: string;

  /**
   * @param root three levels below the repository with the exercise's name, so that paths to the catalogue are those
   * of the exercise's own start folder
   * @param prefix of compose projects
   */
  constructor(root: string, prefix: string) {
    this.root = root;
    this.#prefix = prefix;
  }

  /** The folder for an exercise. */
  dir({ name }: Place): string {
    return join(this.root, name);
  }

  stage(place: Place): Stage {
    const dir = this.dir(place);
    return { dir, project: new Project({ name: this.projectName(place), dir }) };
  }

  projectName({ number }: Place): string {
    return `${this.#prefix}-${number}`;
  }

  has(place: Place): boolean {
    return existsSync(this.dir(place));
  }

  /** Copy what the learner begins with, unless it is there. */
  begin(place: Place): void {
    if (this.has(place)) return;
    const fresh = `${this.dir(place)}.new`;
    rmSync(fresh, { recursive: true, force: true });
    cpSync(join(place.dir, 'start'), fresh, { recursive: true });
    // Compose reads this in the learner's folder, so that commands by hand mean the same project and images.
    const env = { COMPOSE_PROJECT_NAME: this.projectName(place), IMAGE_TAG: process.env['IMAGE_TAG'] || 'dev' };
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(fresh, '.env'), lines.join(''), { flag: 'a' });
    renameSync(fresh, this.dir(place));
  }

  /** Whether the learner's files are as the exercise gave them. */
  untouched(place: Place): boolean {
    const start = join(place.dir, 'start');
    return readdirSync(start, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== '.env')
      .every((entry) => {
        const from = join(entry.parentPath, entry.name);
        const mine = join(this.dir(place), from.slice(start.length + 1));
        return existsSync(mine) && readFileSync(mine).equals(readFileSync(from));
      });
  }

  /** Throw the learner's copy away and begin anew. The compose project is the caller's to bring down before. */
  beginAnew(place: Place): void {
    rmSync(this.dir(place), { recursive: true, force: true });
    this.begin(place);
    this.note(place, { hints: 0 });
  }

  /**
   * Lay a variant's files over the learner's; each that is overwritten is kept as NAME.yours.
   * @param variant such as `solution`
   * @returns the script that the variant has besides, if any
   */
  overlay(place: Place, variant: string): string | undefined {
    this.begin(place);
    const from = join(place.dir, variant);
    for (const name of readdirSync(from, { recursive: true, withFileTypes: true })) {
      if (!name.isFile() || name.name === SCRIPT) continue;
      const path = join(name.parentPath, name.name).slice(from.length + 1);
      const target = join(this.dir(place), path);
      mkdirSync(join(target, '..'), { recursive: true });
      const fresh = readFileSync(join(from, path));
      if (existsSync(target) && !readFileSync(target).equals(fresh)) renameSync(target, `${target}.yours`);
      cpSync(join(from, path), target);
    }
    const script = join(from, SCRIPT);
    return existsSync(script) ? script : undefined;
  }

  /** What the learner reads. */
  get language(): Language {
    const { language } = kept<unknown>(this.#settings());
    return isLanguage(language) ? language : 'en';
  }

  set language(language: Language) {
    keep(this.#settings(), { language });
  }

  /** What is known of an exercise's progress. */
  progress({ name }: Place): Progress {
    return this.#all()[name] ?? { hints: 0 };
  }

  note({ name }: Place, progress: Progress): void {
    keep(this.#file(), { ...this.#all(), [name]: progress });
  }

  #settings(): string {
    return join(this.root, 'settings.json');
  }

  #file(): string {
    return join(this.root, 'progress.json');
  }

  #all(): Readonly<Record<string, Progress>> {
    return kept<Progress>(this.#file());
  }
}

/**
 * The learner's own workspace; the image tag of this clone is set, where an engine answers. Tests have one of their
 * own: WORKSHOP_DIR, a folder two levels below the repository, by whose name its compose projects are called.
 */
export async function learnersWorkspace(): Promise<Workspace> {
  const suffix = await thisClone().then(
    (clone) => clone.suffix,
    () => '',
  );
  return new Workspace(folder(), process.env['WORKSHOP_DIR'] === undefined ? `workshop${suffix}` : basename(folder()));
}

/** What the learner reads; no engine is asked. */
export const learnersLanguage = (): Language => new Workspace(folder(), '').language;

const folder = (): string => process.env['WORKSHOP_DIR'] ?? join(WORKSHOP, 'mine');
