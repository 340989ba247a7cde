/** Which containers of compose files and Kubernetes manifests are sidecars, of what, and why. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { COMPOSE_NAMES, OVERRIDE_NAMES } from '../compose/file-names.ts';
import type { Environment } from '../compose/interpolate.ts';
import { isCompose, isFile, loadProject } from '../compose/project.ts';
import { kustomizationIn, kustomize, KUSTOMIZATION } from '../kubernetes/kustomize.ts';
import { configurationOf, isKubernetes, objectsOf, podsOf } from '../kubernetes/pods.ts';
import { get, parseTrees, YamlError, type MapTree } from '../yaml/tree.ts';
import type { Answer, Group, Note } from './model/answer.ts';
import { composeGroups } from './compose-groups.ts';
import { findFiles, isFolder } from './find-files.ts';
import { injectionNotes, podGroup } from './pod-groups.ts';

export interface IdentifyOptions {
  /** Paths are told relative to this folder. */
  readonly base: string;
  /** Compose files in the order of `docker compose -f`; instead of what a folder holds. */
  readonly composeFiles?: readonly string[];
  readonly envFiles?: readonly string[];
  /** Only services of these profiles, and those without one; undefined for all. */
  readonly profiles?: readonly string[];
  readonly environment?: Environment;
  /** From here on a container counts as a helper, 0 to 1; 0.5 unless told. */
  readonly minConfidence?: number;
}

/** Nothing is at a path. */
export class PathNotFound extends Error {}

/**
 * Identify sidecars.
 * @param paths files and folders; a folder is searched whole
 * @throws {PathNotFound} when a path does not exist
 */
export function identify(paths: readonly string[], options: IdentifyOptions): Answer {
  const run = new Run(options);
  if (options.composeFiles && options.composeFiles.length > 0)
    run.project(options.composeFiles.map((file) => resolve(options.base, file)));
  for (const path of paths) {
    const absolute = resolve(options.base, path);
    if (!existsSync(absolute)) throw new PathNotFound(path);
    if (isFolder(absolute)) run.folder(absolute);
    else run.file(absolute);
  }
  return run.answer();
}

class Run {
  readonly #options: IdentifyOptions;
  readonly #groups: Group[] = [];
  readonly #notes: Note[] = [];
  readonly #done = new Set<string>();
  /** A compose file or a workload was there, whatever it says. */
  #found = false;

  constructor(options: IdentifyOptions) {
    this.#options = options;
  }

  answer(): Answer {
    const seen = new Set<string>();
    const notes = this.#notes.filter((note) => {
      const key = `${note.file}:${note.line}:${note.message}`;
      return !seen.has(key) && seen.add(key);
    });
    if (!this.#found && notes.length === 0)
      notes.push({
        code: 'nothing-found',
        level: 'error',
        file: '.',
        line: 1,
        message: `there is no compose file (${COMPOSE_NAMES.join(', ')}, or other YAML with services) and no Kubernetes workload here`,
      });
    return { groups: this.#groups, notes };
  }

  get #minConfidence(): number {
    return this.#options.minConfidence ?? 0.5;
  }

  folder(folder: string): void {
    const own = kustomizationIn(folder);
    const { files, kustomizations, cut } = findFiles(folder, KUSTOMIZATION);
    if (cut)
      this.#notes.push({
        code: 'too-many-files',
        level: 'warning',
        file: this.#shown(folder),
        line: 1,
        message: 'more files than are looked at; name a smaller folder',
      });
    // A kustomization that another one uses is a part of it.
    const built = (own ? [own, ...kustomizations.filter((path) => path !== own)] : kustomizations).map((path) => ({
      path,
      result: kustomize(path, this.#options.base),
    }));
    const parts = new Set(built.flatMap(({ path, result }) => [...result.used].filter((used) => used !== path)));
    for (const { path, result } of built) {
      if (parts.has(path)) continue;
      result.used.forEach((used) => this.#done.add(used));
      this.#problems(result.problems);
      this.#kubernetes(result.objects);
    }
    for (const [dir, names] of Map.groupBy(files, dirname))
      this.#composeFolder(
        dir,
        names.map((path) => basename(path)),
      );
    const rest = files.filter((path) => !this.#done.has(path));
    const read = rest.map((path) => ({ path, trees: this.#read(path) }));
    this.#kubernetes(read.flatMap(({ trees }) => trees.flatMap((tree) => (isKubernetes(tree) ? objectsOf(tree) : []))));
    for (const { path, trees } of read) if (!this.#done.has(path) && trees.some(isStandalone)) this.project([path]);
  }

  /** The project that `docker compose up` would find here. */
  #composeFolder(dir: string, names: readonly string[]): void {
    const main = COMPOSE_NAMES.find((name) => names.includes(name));
    if (main === undefined) return;
    const override = OVERRIDE_NAMES.find((name) => names.includes(name));
    this.project([main, ...(override === undefined ? [] : [override])].map((name) => join(dir, name)));
  }

  file(path: string): void {
    if (KUSTOMIZATION.includes(basename(path))) {
      const { objects, problems } = kustomize(path, this.#options.base);
      this.#problems(problems);
      this.#kubernetes(objects);
      return;
    }
    const trees = this.#read(path);
    this.#kubernetes(trees.flatMap((tree) => (isKubernetes(tree) ? objectsOf(tree) : [])));
    if (trees.some((tree) => isCompose(tree))) this.project([path, ...this.#overrideOf(path)]);
  }

  #overrideOf(path: string): string[] {
    if (!COMPOSE_NAMES.includes(basename(path))) return [];
    return OVERRIDE_NAMES.map((name) => join(dirname(path), name))
      .filter(isFile)
      .slice(0, 1);
  }

  project(files: readonly string[]): void {
    const project = loadProject(files, {
      base: this.#options.base,
      environment: this.#options.environment ?? process.env,
      ...(this.#options.envFiles && { envFiles: this.#options.envFiles }),
      ...(this.#options.profiles && { profiles: this.#options.profiles }),
    });
    for (const file of [...files, ...project.used]) this.#done.add(file);
    this.#found ||= project.services.size > 0;
    this.#problems(project.problems);
    const { groups, notes } = composeGroups(project, this.#minConfidence);
    this.#groups.push(...groups);
    this.#notes.push(...notes);
  }

  #kubernetes(objects: readonly MapTree[]): void {
    const configuration = configurationOf(objects);
    for (const pod of objects.flatMap(podsOf)) {
      this.#found = true;
      const group = podGroup(pod, configuration, this.#minConfidence);
      if (group) this.#groups.push(group);
      this.#notes.push(...injectionNotes(pod));
    }
  }

  #read(path: string): MapTree[] {
    const shown = this.#shown(path);
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      this.#notes.push({ code: 'unreadable', level: 'error', file: shown, line: 1, message: (error as Error).message });
      return [];
    }
    const parsed = parseTrees(content, shown);
    const broken = parsed.filter((tree) => tree instanceof YamlError);
    if (broken.length > 0 && isTemplate(content)) {
      this.#notes.push({
        code: 'template',
        level: 'note',
        file: shown,
        line: templateLine(content),
        message: 'a template that is not rendered: render it first (helm template)',
      });
      return parsed.filter((tree): tree is MapTree => !(tree instanceof YamlError) && tree.kind === 'map');
    }
    this.#problems(broken);
    return parsed.filter((tree): tree is MapTree => !(tree instanceof YamlError) && tree.kind === 'map');
  }

  #problems(problems: readonly YamlError[]): void {
    for (const { message, at } of problems) this.#notes.push({ code: 'unreadable', level: 'error', ...at, message });
  }

  #shown(path: string): string {
    return relative(this.#options.base, path) || path;
  }
}

/** A compose file that says of some service what it runs: others are pieces that are laid over one. */
function isStandalone(tree: MapTree): boolean {
  if (!isCompose(tree)) return false;
  const services = get(tree, 'services');
  return (
    services?.kind !== 'map' ||
    [...services.entries.values()].some((service) =>
      ['image', 'build', 'extends'].some((key) => get(service, key) !== undefined),
    )
  );
}

const isTemplate = (content: string): boolean => /\{\{-?\s*[^}]/.test(content) || /<%|\{%/.test(content);
const templateLine = (content: string): number => content.split('\n').findIndex((line) => /\{\{|<%|\{%/.test(line)) + 1;
