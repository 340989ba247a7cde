/** Sidecars beside the services of anybody's compose project, without a change of its files. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { suggestion } from '#kit/text/suggestion.ts';
import { readParameters, ConfigurationError } from '#kit/contract/parameters.ts';
import { buildFolder, copyBuild, sameBuild } from '../bundled/build-folder.ts';
import { MESH_PROXY, SIDECARS, type BundledSidecar } from '../bundled/sidecars.ts';
import { interpolateTree } from '../compose/interpolate.ts';
import { isFile, loadProject, type Project } from '../compose/project.ts';
import { targetOf, updateFile, writeNew } from '../files/write.ts';
import { get, parseTrees, text, toValue, YamlError, type Tree } from '../yaml/tree.ts';
import { withComposeFile, withoutComposeFile } from './dotenv.ts';
import { injectLabel, requireEligible } from './eligible.ts';
import { composeFiles, INJECTED } from './files.ts';
import { FIELD, overrideText } from './override-yaml.ts';
import { BUILDS, builtBy } from './images.ts';
import { MESH, meshServices, POLICY_FOLDER, policyOf, type MeshOptions } from './mesh.ts';
import { environmentOf, podOf } from './pod.ts';
import { Refusal } from '../bundled/refusal.ts';
import { replicasOf } from './replicas.ts';
import { POD_ONLY, sameTarget, type Injection } from './request.ts';

export interface Target {
  /** The folder that the command was called in. */
  readonly folder: string;
  /** Compose files as said; empty for what the folder holds. */
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Plan {
  /** The project's own files. */
  readonly files: readonly string[];
  /** Where the injected file is, or will be. */
  readonly path: string;
  readonly before: string | undefined;
  /** undefined when nothing is injected any more. */
  readonly after: string | undefined;
  readonly injections: readonly Injection[];
  /** The services that sidecars run as. */
  readonly services: readonly SidecarService[];
  /** The mesh's policy, where there is a mesh. */
  readonly policy?: string | undefined;
}

export interface SidecarService {
  readonly sidecar: string;
  readonly name: string;
}

/**
 * What injecting would write.
 * @param wanted added to, or instead of, what an earlier call injected
 * @throws {Refusal} when a service cannot get a sidecar, {ConfigurationError} for a wrong parameter
 */
export const planInjection = (target: Target, wanted: readonly Injection[]): Plan =>
  planChange(target, (before) => [...before.filter((old) => !wanted.some((each) => sameTarget(old, each))), ...wanted]);

/** What taking back would leave. @param only the ones to take back; undefined for all */
export const planRemoval = (target: Target, only?: (injection: Injection) => boolean): Plan =>
  planChange(target, (before) => (only === undefined ? [] : before.filter((each) => !only(each))));

export interface PlanOptions {
  /** Pods of a service, instead of the replicas that it asks for. */
  readonly scale?: Readonly<Record<string, number>>;
  /** The mesh of those that have its proxy; that of the file that is there when absent. */
  readonly mesh?: MeshOptions | undefined;
}

/**
 * What another list of injections would write.
 * @param change from those of the file that is there, and the project, to those that are to be
 */
export function planChange(
  target: Target,
  change: (before: readonly Injection[], project: Project) => readonly Injection[],
  options: PlanOptions = {},
): Plan {
  const { project, mesh, ...state } = stateOf(target);
  const injections = change(state.injections, project);
  if (injections.length === 0) return { ...state, injections, services: [], after: undefined };
  return { ...state, injections, ...textOf(project, injections, { mesh, ...options }) };
}

/** Services whose application reads the project's `.env` by its env_file, and so gets each line of it. */
export function readersOfEnv(target: Target): string[] {
  const { project } = stateOf(target);
  return [...project.services.values()].flatMap(({ name, tree }) => {
    const files = interpolateTree(get(tree, 'env_file') ?? NOTHING, project.environment, 'nothing');
    const read = (files.kind === 'seq' ? files.items : [files]).some((item) => {
      const path = text(item) ?? text(get(item, 'path'));
      return path !== undefined && resolve(project.folderOf(item.at), path) === join(project.folder, '.env');
    });
    return read ? [name] : [];
  });
}

const NOTHING: Tree = { kind: 'scalar', value: null, at: { file: '', line: 1 } };

/** Injections that services ask for by the label `dev.sidecar-stacks.inject: tls,topz`. */
export function labelled(target: Target, common: Pick<Injection, 'set' | 'publish' | 'share' | 'user'>): Injection[] {
  const { project } = stateOf(target);
  return [...project.services.values()].flatMap((service) => {
    const value = injectLabel(service.tree);
    if (value === undefined || value === 'false' || value === '') return [];
    return value.split(',').map((sidecar) => ({ sidecar: sidecar.trim(), into: service.name, ...common }));
  });
}

interface State extends Omit<Plan, 'after' | 'services'> {
  readonly mesh: MeshOptions | undefined;
  readonly project: Project;
}

function stateOf(target: Target): State {
  const files = composeFiles(target.folder, target.files, target.environment);
  const first = resolve(target.folder, files[0]!);
  const path = join(dirname(first), INJECTED);
  const project = loadProject(files, { base: target.folder, environment: target.environment, raw: true });
  const [problem] = project.problems;
  if (problem) throw new Refusal('unreadable', `${problem.at.file}:${problem.at.line}: ${problem.message}`);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const kept = before === undefined ? { injections: [] } : keptIn(before, path);
  return { files, path, before, mesh: undefined, ...kept, project };
}

function keptIn(content: string, path: string): { injections: Injection[]; mesh?: MeshOptions } {
  const [tree] = parseTrees(content, path);
  if (tree === undefined || tree instanceof YamlError || get(tree, FIELD) === undefined)
    throw new Refusal('not-ours', `${path} was not written by this command, and is left alone: rename it`);
  return toValue(get(tree, FIELD)) as ReturnType<typeof keptIn>;
}

function textOf(
  project: Project,
  injections: readonly Injection[],
  { scale = {}, mesh }: PlanOptions,
): Pick<Plan, 'after' | 'services' | 'policy'> {
  let policy: string | undefined;
  const services: Record<string, Record<string, unknown>> = {};
  const volumes: Record<string, null> = {};
  const ordered = injections.toSorted((a, b) =>
    a.into === b.into ? compare(a.sidecar, b.sidecar) : compare(a.into, b.into),
  );
  for (const [into, own] of Map.groupBy(ordered, (injection) => injection.into)) {
    const service = requireEligible(project, into);
    for (const injection of own) {
      if (injection.sidecar === POD_ONLY) continue;
      const bundled = bundledSidecarOf(injection.sidecar);
      requireValues(injection, bundled, environmentOf(project, service, injection, bundled));
    }
    for (const replica of replicasOf(project, service, scale[into])) {
      const plan = podOf(project, replica, own, SIDECARS);
      for (const [name, entry] of Object.entries(plan.services)) services[name] = { ...services[name], ...entry };
      Object.assign(volumes, plan.volumes);
    }
  }
  const members = ordered.filter(({ sidecar }) => sidecar === MESH).map(({ into }) => project.services.get(into)!);
  if (members.length > 0) {
    const added = meshServices(project, members, mesh ?? NO_MESH);
    policy =
      mesh?.policy === undefined ? policyOf(project, members, mesh ?? NO_MESH) : policyFile(project, mesh.policy);
    Object.assign(services, added.services);
    Object.assign(volumes, added.volumes);
  }
  const built = Object.entries(services).flatMap(([name, entry]): SidecarService[] => {
    const sidecar = builtBy(entry);
    return sidecar === undefined ? [] : [{ sidecar, name }];
  });
  return { after: overrideText({ injections: ordered, mesh, services, volumes }), services: built, policy };
}

const NO_MESH: MeshOptions = { observe: false, dashboard: false };

function policyFile(project: Project, path: string): string {
  const file = resolve(project.folder, path);
  if (!isFile(file)) throw new Refusal('no-policy', `there is no file ${path}, which x-mesh names as its policy`);
  return readFileSync(file, 'utf8');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function bundledSidecarOf(name: string): BundledSidecar {
  const bundled = Object.hasOwn(SIDECARS, name) ? SIDECARS[name] : undefined;
  if (name === MESH) return MESH_PROXY;
  if (!bundled)
    throw new Refusal(
      'no-such-sidecar',
      `there is no sidecar ${name}${suggestion(name, Object.keys(SIDECARS))}; there are ${Object.keys(SIDECARS).join(', ')}`,
    );
  return bundled;
}

/** @throws {ConfigurationError} for what the sidecar would not start with */
function requireValues(injection: Injection, { contract }: BundledSidecar, environment: Record<string, string>): void {
  const isKnown = (name: string): boolean =>
    Object.hasOwn(contract.parameters, name) || contract.parameters[name.replace(/_FILE$/, '')]?.secret === true;
  const unknown = Object.keys(environment).filter((name) => !isKnown(name));
  if (unknown.length > 0)
    throw new ConfigurationError(
      unknown.map((parameter) => ({
        parameter,
        reason: 'unknown',
        message: `${injection.sidecar} has no parameter ${parameter}${suggestion(parameter, Object.keys(contract.parameters))}; sidecar-stacks inject ${injection.sidecar} --help lists them`,
      })),
    );
  // Values with variables are compose's to fill in; files of secrets are looked for in the container.
  const known = Object.fromEntries(Object.entries(environment).filter(([, value]) => !value.includes('$')));
  const variable = new Set(Object.keys(environment).filter((name) => environment[name]!.includes('$')));
  try {
    readParameters(contract.parameters, {
      env: known,
      prefixes: contract.prefixes,
      readFile: () => 'in the container',
    });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const problems = error.problems.filter(({ parameter }) => !variable.has(parameter));
    if (problems.length > 0) throw new ConfigurationError(problems);
  }
}

export interface ApplyOptions {
  /** COMPOSE_FILE is put into the project's .env, so that a plain `docker compose up` takes the sidecars. */
  readonly writeEnv: boolean;
}

/**
 * Write what was planned. The injected file is replaced in one step; the folder of builds holds what
 * the injected sidecars need, and nothing else.
 * @returns the sidecars whose builds are new
 * @throws {Refusal} when the package lacks a sidecar's bundle
 */
export function apply({ path, after, services, files, policy }: Plan, { writeEnv }: ApplyOptions): string[] {
  const folder = dirname(path);
  const builds = join(folder, BUILDS);
  const names = [...new Set(services.map(({ sidecar }) => sidecar))];
  const sources = names.map((name) => [name, buildFolder(name)] as const);
  const missing = sources.find(([, source]) => source === undefined);
  if (missing)
    throw new Refusal('no-bundle', `the bundle of ${missing[0]} is not here; in a checkout, run make setup first`);
  const env = join(folder, '.env');
  if (writeEnv) targetOf(env, folder);
  const changed = sources.flatMap(([name, source]) => (sameBuild(source!, join(builds, name)) ? [] : name));
  if (after === undefined) {
    rmSync(builds, { recursive: true, force: true });
    rmSync(path, { force: true });
    changeEnv(env, folder, withoutComposeFile);
    return [];
  }
  mkdirSync(builds, { recursive: true });
  // The policy's folder is mounted, so it stays the same one.
  const kept = new Set([...names.filter((name) => !changed.includes(name)), basename(POLICY_FOLDER)]);
  for (const name of readdirSync(builds))
    if (!kept.has(name)) rmSync(join(builds, name), { recursive: true, force: true });
  for (const [name, source] of sources) if (!kept.has(name)) copyBuild(source!, join(builds, name));
  const policies = join(folder, POLICY_FOLDER);
  if (policy === undefined) rmSync(policies, { recursive: true, force: true });
  else {
    mkdirSync(policies, { recursive: true });
    writeNew(join(policies, 'policy.yaml'), policy);
  }
  // It is committed with the project, whatever its own rules ignore, and byte for byte.
  writeFileSync(join(builds, '.gitignore'), '!*\n');
  writeFileSync(join(builds, '.gitattributes'), '* -text\n');
  writeNew(path, after);
  if (!writeEnv) return changed;
  const named = [...files.map((file) => relative(folder, resolve(folder, file)) || file), INJECTED];
  const latin = named.map((file) => Buffer.from(file).toString('latin1'));
  changeEnv(env, folder, (before) => withComposeFile(before, latin));
  return changed;
}

/** Change a project's .env; its bytes are kept as they are, whatever their encoding. */
function changeEnv(path: string, folder: string, change: (before: string | undefined) => string | undefined): void {
  const before = existsSync(path) ? readFileSync(path, 'latin1') : undefined;
  const after = change(before);
  if (after === before) return;
  if (after === undefined) rmSync(path, { force: true });
  else updateFile(path, Buffer.from(after, 'latin1'), folder);
}

/** The command line that brings the project up with its sidecars. */
export function commandOf({ files, path }: Plan, folder: string): string {
  const all = [...files, relative(folder, path) || path];
  return `docker compose ${all.map((file) => `-f ${file}`).join(' ')} up --build --wait`;
}
