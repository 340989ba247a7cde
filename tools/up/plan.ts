/** A project with `x-sidecars`, as what is to be written beside it. */
import { interpolate, interpolateTree } from '../compose/interpolate.ts';
import { mountFields } from '../compose/mounts.ts';
import type { Project, Service } from '../compose/project.ts';
import { planChange, type Plan, type Target } from '../inject/inject.ts';
import { portsSaid } from '../inject/ports.ts';
import { get, items, text } from '../yaml/tree.ts';
import { injectionsOf, type Facts, type Route } from './chain.ts';
import { wishOf } from './wish.ts';

export const FIELD = 'x-sidecars';

export interface UpPlan extends Plan {
  readonly routes: readonly Route[];
}

/**
 * What the services of a project ask for. What was injected by hand beside other services stays.
 * @param scale pods of a service, instead of the replicas that it asks for
 * @throws {Refusal} for a wish that cannot be met
 */
export function planUp(target: Target, scale: Readonly<Record<string, number>> = {}): UpPlan {
  const routes: Route[] = [];
  const plan = planChange(
    target,
    (before, project) => {
      const wished = [...project.services.values()].flatMap((service) => {
        const tree = get(service.tree, FIELD);
        const wish = wishOf(service.name, tree && interpolateTree(tree, project.environment, 'nothing'));
        if (!wish) return [];
        const { injections, route } = injectionsOf(factsOf(project, service), wish);
        routes.push(route);
        return injections;
      });
      const services = new Set(wished.map(({ into }) => into));
      return [...before.filter(({ from, into }) => from === undefined && !services.has(into)), ...wished];
    },
    scale,
  );
  return { ...plan, routes };
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
  };
}
