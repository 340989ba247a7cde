/** The ports that a pod publishes on the machine, and the plain port of an application that is closed there. */
import { interpolate, type Environment } from '../compose/interpolate.ts';
import { mountFields } from '../compose/mounts.ts';
import type { Service } from '../compose/project.ts';
import { get, items, text, toValue, type Tree } from '../yaml/tree.ts';
import { isTcp, listenPort, portParameters, range, targetOf, type Joining } from './ports.ts';

/**
 * What the pod publishes: the application's ports, and those of sidecars. A port of the application that a
 * sidecar stands before leads to the sidecar instead, so the plain port is closed.
 */
export function publishedPorts(
  { tree }: Service,
  sidecars: readonly Joining[],
  environment: Environment,
): { ports?: unknown[] } {
  const instead = new Map(
    sidecars.flatMap(({ injection, bundled }) =>
      injection.instead === undefined
        ? []
        : [[injection.instead, listenPort(injection, bundled, portParameters(bundled)[0]!)!] as const],
    ),
  );
  const ports = [
    ...items(get(tree, 'ports')).flatMap((item) => led(item, instead, environment)),
    ...sidecars.flatMap(({ injection }) => injection.publish),
  ];
  return ports.length === 0 ? {} : { ports };
}

/** An item of `ports`, leading to other ports of the pod; its variables stay. */
function led(item: Tree, instead: ReadonlyMap<number, number>, environment: Environment): unknown[] {
  if (!isTcp(item)) return [toValue(item)];
  const targets = range(interpolate(targetOf(item) ?? '', environment, 'nothing'));
  if (!targets.some((port) => instead.has(port))) return [toValue(item)];
  if (item.kind === 'map') return [{ ...(toValue(item) as object), target: instead.get(targets[0]!)! }];
  const fields = mountFields(text(item)!).slice(0, -1);
  const host = fields.pop();
  const hosts = targets.length > 1 ? range(interpolate(host ?? '', environment, 'nothing')) : [];
  return targets.map((port, index) =>
    [...fields, ...(host === undefined ? [] : [hosts[index] ?? host]), instead.get(port) ?? port].join(':'),
  );
}
