/** A compose project from its files: merged, included, extended, interpolated, as far as this needs no engine. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import {
  entries,
  get,
  items,
  parseTrees,
  text,
  texts,
  YamlError,
  type MapTree,
  type Place,
  type Tree,
} from '../yaml/tree.ts';
import { interpolate, interpolateTree, type Environment } from './interpolate.ts';
import { mergeTrees, withoutResets } from './merge.ts';

export interface Service {
  readonly name: string;
  /** The service as merged, with variables filled in. */
  readonly tree: MapTree;
  readonly at: Place;
}

/** Top-level sections whose entries services refer to by name. */
export type Resource = 'volumes' | 'configs' | 'secrets' | 'networks';
const RESOURCES: readonly Resource[] = ['volumes', 'configs', 'secrets', 'networks'];

export interface Project {
  /** As compose calls it: by COMPOSE_PROJECT_NAME, what its files say, or the name of its folder. */
  readonly name: string;
  /** The first file, as the caller named it. */
  readonly source: string;
  readonly folder: string;
  readonly services: ReadonlyMap<string, Service>;
  /** What the services name: volumes, configs, secrets and networks of the project and of what it includes. */
  readonly resources: Readonly<Record<Resource, ReadonlyMap<string, Tree>>>;
  /** The variables that its values were filled in with. */
  readonly environment: Environment;
  /** The folder from which relative paths of a value resolve: that of the project, or of what is included or extended. */
  readonly folderOf: (at: Place) => string;
  /** Files that another of them brought in. */
  readonly used: ReadonlySet<string>;
  /** What it includes from elsewhere: compose fetches it, and its services are not among these. */
  readonly remote: readonly { readonly path: string; readonly at: Place }[];
  /** What could not be read or found; the rest is answered all the same. */
  readonly problems: readonly YamlError[];
}

export interface ProjectOptions {
  /** Paths are told relative to this folder. */
  readonly base: string;
  readonly environment: Environment;
  /** Instead of the project folder's `.env`. */
  readonly envFiles?: readonly string[];
  /** Services with other profiles are left out; undefined keeps all. */
  readonly profiles?: readonly string[];
  /** Values keep their variables, for what is written back into a compose file. */
  readonly raw?: boolean;
}

const MAX_INCLUDES = 100;
const MAX_EXTENDS = 20;
/** An artifact of a registry, or a git repository (Compose Specification, "include"). */
const REMOTE = /^(?:oci|https?|ssh|git):\/\/|^git@|^github\.com\//;

/**
 * Load a project.
 * @param files its compose files, later ones over earlier ones; paths resolve from the first one's folder
 */
export function loadProject(files: readonly string[], options: ProjectOptions): Project {
  const loader = new Loader(options);
  const [first] = files;
  const folder = dirname(resolve(options.base, first!));
  const paths = files.map((file) => resolve(options.base, file));
  loader.findName(paths, folder, options.envFiles);
  const services = loader.load(paths, folder, options.envFiles);
  const chosen = [...services].filter(([, tree]) => inProfiles(tree, options.profiles));
  return {
    source: relative(options.base, resolve(options.base, first!)) || first!,
    folder,
    services: new Map(chosen.map(([name, tree]) => [name, { name, tree, at: tree.at }])),
    name: loader.name,
    resources: loader.resources,
    environment: loader.environmentOf(folder, options.envFiles),
    folderOf: ({ file }) => loader.folders.get(file) ?? folder,
    used: loader.used,
    remote: loader.remote,
    problems: loader.problems,
  };
}

function inProfiles(tree: MapTree, profiles: readonly string[] | undefined): boolean {
  const own = texts(get(tree, 'profiles'));
  return (
    profiles === undefined || own.length === 0 || profiles.includes('*') || own.some((name) => profiles.includes(name))
  );
}

class Loader {
  readonly used = new Set<string>();
  readonly problems: YamlError[] = [];
  readonly remote: { path: string; at: Place }[] = [];
  readonly resources: Record<Resource, Map<string, Tree>> = {
    volumes: new Map(),
    configs: new Map(),
    secrets: new Map(),
    networks: new Map(),
  };
  /** Where relative paths of a file resolve from, by its name in places. */
  readonly folders = new Map<string, string>();
  /** Files fill it in as COMPOSE_PROJECT_NAME, so it is found before they are read. */
  name = '';
  readonly #options: ProjectOptions;
  readonly #parsed = new Map<string, MapTree | undefined>();
  readonly #files = new Map<string, MapTree | undefined>();
  #includes = 0;

  constructor(options: ProjectOptions) {
    this.#options = options;
  }

  /** @param files the outermost ones */
  findName(files: readonly string[], folder: string, envFiles: readonly string[] | undefined): void {
    const environment = this.environmentOf(folder, envFiles);
    const said = files.flatMap((file) => text(get(this.#parse(file, folder), 'name')) ?? []).at(-1);
    this.name =
      environment['COMPOSE_PROJECT_NAME'] || (said && interpolate(said, environment, 'nothing')) || basename(folder);
  }

  load(files: readonly string[], folder: string, envFiles?: readonly string[]): Map<string, MapTree> {
    const environment = this.environmentOf(folder, envFiles);
    let merged: Tree | undefined;
    const included = new Map<string, MapTree>();
    for (const file of files) {
      const tree = this.#read(file, environment, folder);
      if (!tree) continue;
      for (const [name, service] of this.#included(tree, folder)) included.set(name, service);
      merged = mergeTrees(merged, tree);
    }
    for (const section of RESOURCES)
      for (const [name, tree] of entries(get(merged, section))) this.resources[section].set(name, withoutResets(tree));
    const services = new Map(included);
    for (const [name, tree] of entries(get(merged, 'services'))) {
      if (tree.kind !== 'map') continue;
      const extended = this.#extended(name, tree, files[0]!, environment, merged as MapTree, 0);
      const own = withoutResets(extended) as MapTree;
      // A file may say more of a service that it includes.
      const both = mergeTrees(included.get(name), own) as MapTree;
      services.set(name, both);
    }
    return services;
  }

  #included(tree: MapTree, folder: string): Map<string, MapTree> {
    const services = new Map<string, MapTree>();
    for (const item of items(get(tree, 'include'))) {
      const paths = item.kind === 'map' ? texts(get(item, 'path')) : texts(item);
      if (paths.length === 0 || ++this.#includes > MAX_INCLUDES) continue;
      const elsewhere = paths.filter((path) => REMOTE.test(path));
      this.remote.push(...elsewhere.map((path) => ({ path, at: item.at })));
      if (elsewhere.length > 0) continue;
      const files = paths.map((path) => resolve(folder, path));
      files.forEach((file) => this.used.add(file));
      const own = text(get(item, 'project_directory'));
      const inner = own === undefined ? dirname(files[0]!) : resolve(folder, own);
      const envFiles = texts(get(item, 'env_file')).map((path) => resolve(folder, path));
      const missing = files.find((file) => !isFile(file));
      if (missing !== undefined) this.#problem(`includes ${relative(folder, missing)}, which is not there`, item.at);
      else
        for (const [name, service] of this.load(files, inner, envFiles.length > 0 ? envFiles : undefined))
          services.set(name, service);
    }
    return services;
  }

  #extended(
    name: string,
    tree: MapTree,
    file: string,
    environment: Environment,
    root: MapTree,
    depth: number,
  ): MapTree {
    const requested = get(tree, 'extends');
    if (requested === undefined) return tree;
    const service = text(requested) ?? text(get(requested, 'service'));
    const other = text(get(requested, 'file'));
    if (service === undefined || depth > MAX_EXTENDS) {
      this.#problem(`service ${name} extends itself, or nothing`, requested.at);
      return tree;
    }
    const path = other === undefined ? file : resolve(dirname(file), other);
    if (other !== undefined) this.used.add(path);
    const source = other === undefined ? root : isFile(path) ? this.#read(path, environment, dirname(path)) : undefined;
    const found = get(source, 'services', service);
    if (found?.kind !== 'map' || source === undefined) {
      this.#problem(`service ${name} extends ${service} of ${other ?? 'this file'}, which is not there`, requested.at);
      return tree;
    }
    const parent = this.#extended(service, found, path, environment, source, depth + 1);
    // What joins or waits for others is not taken over (Compose Specification, "extends").
    const inherited = new Map([...parent.entries].filter(([key]) => key !== 'extends' && key !== 'profiles'));
    const merged = mergeTrees({ ...parent, entries: inherited }, tree) as MapTree;
    return { ...merged, at: tree.at };
  }

  #read(file: string, environment: Environment, folder: string): MapTree | undefined {
    if (this.#files.has(file)) return this.#files.get(file);
    const parsed = this.#parse(file, folder);
    const tree = parsed && !this.#options.raw ? (interpolateTree(parsed, environment) as MapTree) : parsed;
    this.#files.set(file, tree);
    return tree;
  }

  #parse(file: string, folder: string): MapTree | undefined {
    if (this.#parsed.has(file)) return this.#parsed.get(file);
    this.#parsed.set(file, undefined);
    const shown = relative(this.#options.base, file) || file;
    this.folders.set(shown, folder);
    let content: string;
    try {
      content = readFileSync(file, 'utf8');
    } catch (error) {
      this.problems.push(new YamlError(`cannot be read: ${(error as Error).message}`, { file: shown, line: 1 }));
      return undefined;
    }
    let tree: MapTree | undefined;
    for (const parsed of parseTrees(content, shown)) {
      if (parsed instanceof YamlError) this.problems.push(parsed);
      else if (parsed.kind === 'map') tree = tree === undefined ? parsed : (mergeTrees(tree, parsed) as MapTree);
    }
    this.#parsed.set(file, tree);
    return tree;
  }

  /** Variables of an `.env` below those of the caller. */
  environmentOf(folder: string, envFiles: readonly string[] | undefined): Environment {
    const values: Record<string, string> = {};
    for (const file of envFiles ?? [join(folder, '.env')]) {
      const path = resolve(this.#options.base, file);
      if (!isFile(path)) continue;
      try {
        Object.assign(values, parseDotenv(readFileSync(path)));
      } catch {
        this.problems.push(new YamlError('cannot be read', { file: relative(this.#options.base, path), line: 1 }));
      }
    }
    // A project's name for variables is that of its containers: small letters, digits, dashes and underscores.
    const name = this.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '')
      .replace(/^[_-]+/, '');
    return { ...(name !== '' && { COMPOSE_PROJECT_NAME: name }), ...values, ...this.#options.environment };
  }

  #problem(message: string, at: Place): void {
    this.problems.push(new YamlError(message, at));
  }
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Whether a document is a compose file: it has services that look like such. */
export function isCompose(tree: Tree): tree is MapTree {
  const services = get(tree, 'services');
  if (services?.kind !== 'map' || get(tree, 'kind') !== undefined)
    return (
      get(tree, 'include') !== undefined &&
      get(tree, 'kind') === undefined &&
      get(tree, 'include')!.kind === 'seq' &&
      services === undefined &&
      entries(tree).every(([key]) => /^(name|include|networks|volumes|x-.*|version)$/.test(key))
    );
  const list = entries(services);
  return (
    list.length > 0 &&
    list.every(([, service]) => service.kind === 'map' || (service.kind === 'scalar' && service.value === null)) &&
    list.some(([, service]) => LOOKS.some((key) => get(service, key) !== undefined))
  );
}
const LOOKS = [
  'image',
  'build',
  'command',
  'volumes',
  'ports',
  'environment',
  'network_mode',
  'extends',
  'depends_on',
  'labels',
];
