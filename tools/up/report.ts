/** What `up` and `ps` say. */
import { wrap } from '#kit/text/wrap.ts';
import { MESH } from '../inject/mesh.ts';
import type { Route } from './chain.ts';
import type { UpPlan } from './plan.ts';

/** A container, as `docker compose ps --format json` has it. */
export interface Running {
  readonly Name: string;
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
  readonly Labels: string;
  readonly Publishers:
    | readonly {
        readonly URL: string;
        readonly TargetPort: number;
        readonly PublishedPort: number;
        readonly Protocol: string;
      }[]
    | null;
}

/** What becomes of each service, before it is done. */
export const routeLines = (routes: readonly Route[]): string[] =>
  routes.flatMap(({ service, chain, beside, entry, app, published, others, keepOpen }) => {
    if (chain.length === 0 && beside.length === 0) return [`${service}: a pod without a sidecar`];
    const path = [...chain.map((name, at) => (at === 0 ? `${name} :${entry}` : name)), `${service} :${app}`];
    return [
      ...(chain.length > 0 ? [`${service}: ${path.join(' → ')}`] : []),
      ...(beside.length > 0 ? [`${service}: ${beside.join(', ')} beside it`] : []),
      ...(chain.length > 0 && published && keepOpen
        ? [`  warning: port ${app} stays published too, without ${chain.join(' and ')} (keep-open)`]
        : []),
      ...(chain.length > 0 && !keepOpen && published
        ? [`  the published port of ${app} leads to ${chain[0]} now`]
        : []),
      ...(chain.length > 0 && others.length > 0 ? [`  published as before: ${others.join(', ')}`] : []),
      ...(chain.length > 0 ? [`  services beside it still reach port ${app} without ${chain.join(' and ')}`] : []),
    ];
  });

/** What the mesh is for, and whom it leaves out. */
export function meshLines({ injections, outside, permissive }: UpPlan): string[] {
  const members = injections.filter(({ sidecar }) => sidecar === MESH).map(({ into }) => into);
  if (members.length === 0) return [];
  return [
    ...wrap(`mesh: ${members.join(', ')}`, 0),
    ...outside.flatMap(({ service, why }) => wrap(`without ${service}: ${why}`, 2)),
    ...(permissive === undefined ? [] : wrap(`calls without an identity are let in, since ${permissive}`, 2)),
  ];
}

const label = ({ Labels }: Running, name: string): string | undefined =>
  new RegExp(`(?:^|,)dev\\.sidecar-stacks\\.${name}=([^,]*)`).exec(Labels)?.[1];

/** Whether a pod is the service's, or one of its replicas. */
const isPodOf = (service: string, pod: string): boolean =>
  pod === service || (pod.startsWith(`${service}-`) && /^\d+$/.test(pod.slice(service.length + 1)));

const addressesOf = ({ Publishers }: Running): { host: string; port: number; target: number }[] => {
  const all = (Publishers ?? []).filter(({ PublishedPort }) => PublishedPort > 0);
  // IPv4 and IPv6 of one port are one line.
  const once = all.filter(({ PublishedPort: port }, at) => all.findIndex((each) => each.PublishedPort === port) === at);
  return once.map(({ URL, PublishedPort: port, TargetPort: target }) => ({
    host: ['', '0.0.0.0', '::', '127.0.0.1'].includes(URL) ? 'localhost' : URL,
    port,
    target,
  }));
};

/** Where what was brought up is reached. */
export const reachLines = (routes: readonly Route[], containers: readonly Running[]): string[] =>
  containers.flatMap((container) => {
    const pod = label(container, 'role') === 'pod' ? label(container, 'app') : undefined;
    const route = routes.find(({ service }) => pod !== undefined && isPodOf(service, pod));
    return addressesOf(container).map(({ host, port, target }) => {
      const through = route !== undefined && route.entry === target;
      const scheme =
        container.Service === 'mesh-dashboard'
          ? 'http://'
          : !through
            ? ''
            : route.chain[0] === 'tls'
              ? 'https://'
              : 'http://';
      return `${(pod ?? container.Service).padEnd(12)} ${scheme}${host}:${port}${through ? `  by ${route.chain.join(', ')}` : ''}`;
    });
  });

/** Pods with their members, then what is in none. */
export function podLines(containers: readonly Running[]): string[] {
  const podOf = (each: Running): string =>
    label(each, 'app') ?? (containers.some((other) => label(other, 'app') === each.Service) ? each.Service : '');
  const width = Math.max(0, ...containers.map(({ Service }) => Service.length)) + 2;
  const line = (each: Running): string => {
    const state = each.State === 'exited' ? `exited (${each.ExitCode})` : each.Health || each.State;
    const ports = addressesOf(each).map(({ host, port, target }) => `${host}:${port}→${target}`);
    return `  ${each.Service.padEnd(width)}${(label(each, 'role') ?? 'app').padEnd(9)}${state.padEnd(12)} ${ports.join(', ')}`.trimEnd();
  };
  return [...Map.groupBy(containers, podOf)]
    .toSorted(([a], [b]) => Number(a === '') - Number(b === '') || a.localeCompare(b))
    .flatMap(([pod, members]) => [pod === '' ? 'no pod' : `pod ${pod}`, ...members.map(line)]);
}

/** Services, and the services of what is in their pods. */
export const membersOf = (containers: readonly Running[], services: readonly string[]): string[] => [
  ...new Set([
    ...services,
    ...containers.flatMap((each) => {
      const pod = label(each, 'app');
      return pod !== undefined && services.some((service) => isPodOf(service, pod)) ? [pod, each.Service] : [];
    }),
  ]),
];
