/**
 * Several documents that make one file, as a source of that file: so the rest of the sidecar takes a
 * rendered file for a document like any other, with a version, a watch and reports.
 */
import { digestOf, type Identity } from '../documents/document.ts';
import type { Change, Reading, ReportEntry, Source, WatchOptions } from '../sources/source.ts';
import { Invalid } from '../documents/invalid.ts';
import type { Syntax } from '../validate/syntax.ts';
import { perform } from '../work/perform.ts';

/** How a file is made of documents. */
export interface Recipe {
  /** The key of the file; no document's. */
  readonly key: string;
  /** The template's text. */
  readonly template: string;
  readonly documents: readonly Ingredient[];
  /** How long rendering may take, in milliseconds. */
  readonly timeout: number;
}

export interface Ingredient {
  /** What the template calls it. */
  readonly name: string;
  /** What the source calls it. */
  readonly key: string;
  readonly syntax: Syntax;
}

/** Stands for the version of a document that is not there. */
const ABSENT = '-';

type Readings = readonly { readonly ingredient: Ingredient; readonly reading: Reading }[];

export class TemplatedSource implements Source {
  readonly report: Source['report'];
  readonly reportSpread: Source['reportSpread'];
  readonly #source: Source;
  readonly #recipes: ReadonlyMap<string, Recipe>;
  readonly #maxSize: number;
  /** The versions that each recipe was last made of, by document. */
  readonly #latest = new Map<string, ReadonlyMap<string, Identity | undefined>>();

  /**
   * @param source where the documents come from
   * @param maxSize largest file, in bytes
   */
  constructor(source: Source, recipes: readonly Recipe[], maxSize: number) {
    this.#source = source;
    this.#recipes = new Map(recipes.map((recipe) => [recipe.key, recipe]));
    this.#maxSize = maxSize;
    this.reportSpread = source.reportSpread;
    this.report = source.report && ((entry, signal) => this.#report(entry, signal));
  }

  async read(key: string, known: Identity | undefined, signal: AbortSignal): Promise<Reading> {
    const recipe = this.#recipes.get(key);
    if (!recipe) return await this.#source.read(key, known, signal);
    if (known && (await this.#unchanged(recipe, known, signal))) return { kind: 'unchanged' };
    const readings: { ingredient: Ingredient; reading: Reading }[] = [];
    for (const ingredient of recipe.documents)
      readings.push({ ingredient, reading: await this.#source.read(ingredient.key, undefined, signal) });
    this.#latest.set(
      key,
      new Map(readings.map(({ ingredient, reading }) => [ingredient.key, identityOf(reading)] as const)),
    );
    return await this.#render(recipe, readings, signal);
  }

  async watch(options: WatchOptions): Promise<never> {
    const users = new Map<string, string[]>();
    for (const key of options.keys)
      for (const needed of this.#needs(key)) users.set(needed, [...(users.get(needed) ?? []), key]);
    return await this.#source.watch({
      ...options,
      keys: [...users.keys()],
      onChange: (change) => {
        for (const key of users.get(change.key) ?? []) this.#tell(key, change, options.onChange);
      },
    });
  }

  #needs(key: string): string[] {
    const recipe = this.#recipes.get(key);
    return recipe ? recipe.documents.map((document) => document.key) : [key];
  }

  #tell(key: string, change: Change, onChange: WatchOptions['onChange']): void {
    if (key === change.key) return onChange(change);
    if (this.#latest.get(key)?.get(change.key)?.version === change.version) return;
    onChange({ key, version: nameOf([[change.key, change.version]]), revision: change.revision });
  }

  /** Whether a version is still what the documents make; each is asked for conditionally. */
  async #unchanged({ key, documents }: Recipe, known: Identity, signal: AbortSignal): Promise<boolean> {
    const latest = this.#latest.get(key);
    if (!latest || nameOf(documents.map((each) => [each.key, latest.get(each.key)?.version])) !== known.version)
      return false;
    for (const document of documents) {
      const identity = latest.get(document.key);
      const { kind } = await this.#source.read(document.key, identity, signal);
      if (kind !== (identity ? 'unchanged' : 'absent')) return false;
    }
    return true;
  }

  async #render(recipe: Recipe, readings: Readings, signal: AbortSignal): Promise<Reading> {
    const version = nameOf(readings.map(({ ingredient, reading }) => [ingredient.key, identityOf(reading)?.version]));
    const refused = (reason: string): Reading => ({ kind: 'unusable', id: { version, digest: '' }, reason });
    const documents = [];
    for (const { ingredient, reading } of readings) {
      if (reading.kind === 'absent') return refused(`the source has no document ${ingredient.key}`);
      if (reading.kind === 'too-large') return refused(`${ingredient.key} is larger than what is taken`);
      if (reading.kind !== 'document') return refused(`${ingredient.key} could not be read`);
      documents.push({ ...ingredient, content: reading.document.content });
    }
    try {
      const text = await perform(
        { kind: 'render', template: recipe.template, documents },
        { timeout: recipe.timeout, signal },
      );
      const content = Buffer.from(text ?? '');
      if (content.length > this.#maxSize)
        return refused(`rendered, it has ${content.length} bytes; at most ${this.#maxSize} are taken`);
      const document = { key: recipe.key, version, digest: digestOf(content), content };
      return { kind: 'document', document, ...placeOf(readings) };
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      return refused(error.message);
    }
  }

  /** What became of a file is said of each of its documents. */
  async #report(entry: ReportEntry, signal: AbortSignal): Promise<boolean> {
    const report = this.#source.report!;
    // The recipe may be another one by now: the version itself says of what it was made.
    if (!entry.key.startsWith('template:')) return await report(entry, signal);
    let taken = false;
    for (const [key, version] of partsOf(entry.version))
      if (version !== undefined) taken = (await report({ ...entry, key, version }, signal)) || taken;
    return taken;
  }
}

function identityOf(reading: Reading): Identity | undefined {
  if (reading.kind === 'document') return { version: reading.document.version, digest: reading.document.digest };
  return reading.kind === 'too-large' ? reading.id : undefined;
}

/** Where a watch begins that misses nothing of any document, and the latest change that is in all of this. */
function placeOf(readings: Readings): { revision: number | undefined; resume: number | undefined } {
  const found = readings.map(({ reading }) => (reading.kind === 'document' ? reading : undefined));
  const revisions = found.map((each) => each?.revision);
  const resumes = found.map((each) => each?.resume);
  const all = (numbers: (number | undefined)[], pick: (...values: number[]) => number): number | undefined =>
    numbers.includes(undefined) ? undefined : pick(...(numbers as number[]));
  return { revision: all(revisions, Math.max), resume: all(resumes, Math.min) };
}

type Part = readonly [key: string, version: string | undefined];

/** `web.yaml@3+limits.json@7`: a version of a file by those of its documents. */
const nameOf = (parts: readonly Part[]): string =>
  parts
    .map(
      ([key, version]) => `${encodeURIComponent(key)}@${version === undefined ? ABSENT : encodeURIComponent(version)}`,
    )
    .join('+');

const partsOf = (name: string): Part[] =>
  name.split('+').flatMap((part) => {
    const [key = '', version = ABSENT] = part.split('@');
    try {
      return [[decodeURIComponent(key), version === ABSENT ? undefined : decodeURIComponent(version)]];
    } catch {
      // It comes from the state directory, where it may have been damaged.
      return [];
    }
  });
