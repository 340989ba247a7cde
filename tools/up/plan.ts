/** A project with `x-sidecars`, as what is to be written beside it. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { suggestion } from '#kit/text/suggestion.ts';
import { Refusal } from '../bundled/refusal.ts';
import { interpolate, interpolateTree } from '../compose/interpolate.ts';
import { mountFields } from '../compose/mounts.ts';
import { isFile, type Project, type Service } from '../compose/project.ts';
import { requireEligible } from '../inject/eligible.ts';
import { composeFiles } from '../inject/files.ts';
import { MESH, whyPermissive, type MeshOptions } from '../inject/mesh.ts';
import type { Injection } from '../inject/request.ts';
import { planChange, type Plan, type Target } from '../inject/inject.ts';
import { portsSaid } from '../inject/ports.ts';
import { entries, get, isTrue, items, parseTrees, text, YamlError, type Tree } from '../yaml/tree.ts';
import { injectionsOf, type Facts, type Route } from './chain.ts';
import { readXSidecars } from './x-sidecars.ts';

export const FIELD = 'x-sidecars';

export interface UpPlan extends Plan {
  readonly routes: readonly Route[];
  /** Services that the mesh leaves out, with the reason. */
  readonly outside: readonly { readonly service: string; readonly why: string }[];
  /** Why the mesh lets calls without an identity in; undefined where it does not, or there is none. */
  readonly permissive: string | undefined;
}

export interface UpOptions {
  /** Pods of a service, instead of the replicas that it asks for. */
  readonly scale?: Readonly<Record<string, number>>;
  /** A mesh for every service, whether or not the project asks for one. */
  readonly mesh?: 'on' | 'observe';
  readonly dashboard?: boolean;
}

/**
 * What the services of a project ask for. What was injected by hand beside other services stays.
 * @throws {Refusal} for a wish that cannot be met
 */
export function planUp(target: Target, options: UpOptions = {}): UpPlan {
  const routes: Route[] = [];
  const outside: UpPlan['outside'][number][] = [];
  let permissive: string | undefined;
  const mesh = meshOf(target, options);
  const plan = planChange(
    target,
    (before, project) => {
      const requested = [...project.services.values()].flatMap((service) => {
        const tree = get(service.tree, FIELD);
        const request = readXSidecars(service.name, tree && interpolateTree(tree, project.environment, 'nothing'));
        const why = mesh && request?.mesh !== false ? whyOutside(project, service.name) : 'x-sidecars says so';
        if (mesh && why !== undefined) outside.push({ service: service.name, why });
        const member = request?.mesh === true || (mesh !== undefined && why === undefined);
        const found =
          request && (request.sidecars.length > 0 || request.pod)
            ? injectionsOf(factsOf(project, service), request)
            : undefined;
        if (found) routes.push(found.route);
        return [...(found?.injections ?? []), ...(member ? [proxyOf(service.name)] : [])];
      });
      const members = requested
        .filter(({ sidecar }) => sidecar === MESH)
        .map(({ into }) => project.services.get(into)!);
      if (members.length > 0 && mesh?.observe !== true) permissive = whyPermissive(project, members);
      const services = new Set(requested.map(({ into }) => into));
      return [...before.filter(({ from, into }) => from === undefined && !services.has(into)), ...requested];
    },
    { ...(options.scale && { scale: options.scale }), mesh },
  );
  return { ...plan, routes, outside, permissive };
}

const proxyOf = (into: string): Injection => ({ sidecar: MESH, into, set: {}, publish: [], share: [], from: FIELD });

/** `x-mesh` of the project's files: true, observe, or { policy, dashboard, observe }; what the command line says goes first. */
function meshOf(
  { folder, files, environment }: Target,
  { mesh, dashboard = false }: UpOptions,
): MeshOptions | undefined {
  const said = fieldOf(
    composeFiles(folder, files, environment).map((file) => resolve(folder, file)),
    'x-mesh',
  );
  const wanted = said !== undefined && !(said.kind === 'scalar' && (said.value === false || said.value === null));
  if (!wanted && mesh === undefined) return undefined;
  const value = text(said);
  const unknown = said?.kind === 'map' ? entries(said).find(([key]) => !MESH_KEYS.includes(key))?.[0] : undefined;
  if (unknown !== undefined || (wanted && said.kind !== 'map' && value !== 'observe' && !isTrue(said)))
    throw new Refusal(
      'x-mesh',
      `${said!.at.file}:${said!.at.line}: x-mesh takes true, observe, or a map of ${MESH_KEYS.join(', ')}${unknown === undefined ? '' : `, not ${unknown}${suggestion(unknown, MESH_KEYS)}`}`,
    );
  const policy = text(get(said, 'policy'));
  return {
    observe: mesh === 'observe' || (mesh === undefined && (value === 'observe' || isTrue(get(said, 'observe')))),
    dashboard: dashboard || isTrue(get(said, 'dashboard')),
    ...(policy !== undefined && { policy }),
  };
}
const MESH_KEYS = ['observe', 'dashboard', 'policy'];

/** A field at the top of the files; the last one that has it decides. */
function fieldOf(files: readonly string[], field: string): Tree | undefined {
  const trees = files.flatMap((file) => (isFile(file) ? parseTrees(readFileSync(file, 'utf8'), basename(file)) : []));
  return trees.flatMap((tree) => (tree instanceof YamlError ? [] : (get(tree, field) ?? []))).at(-1);
}

/** Why a service can be no member of a mesh. */
function whyOutside(project: Project, name: string): string | undefined {
  try {
    const { tree } = requireEligible(project, name);
    return text(get(tree, 'network_mode')) === undefined ? undefined : 'it is in a network without names';
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.message;
  }
}

function factsOf(project: Project, service: Service): Facts {
  const hosts = new Map(
    items(get(service.tree, 'ports')).flatMap((item): [number, string][] => {
      const fields = mountFields(text(item) ?? '');
      const host = item.kind === 'map' ? text(get(item, 'published')) : fields.at(-2);
      const target = Number(item.kind === 'map' ? text(get(item, 'target')) : fields.at(-1)!.split('/')[0]);
      return host === undefined || host === '' || interpolate(host, project.environment).includes('-') || !target
        ? []
        : [[target, host]];
    }),
  );
  return {
    name: service.name,
    ...portsSaid(project, service),
    hostPort: (port) => hosts.get(port),
    secrets: new Set(project.resources.secrets.keys()),
    configs: new Set(project.resources.configs.keys()),
    volumes: new Set(project.resources.volumes.keys()),
  };
}
