/** Ports that an injection publishes: none twice, and each leads to somebody who listens. */
import { defaultPort } from '#kit/contract/contract.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { Refusal } from '../bundled/refusal.ts';
import { interpolate, interpolateTree } from '../compose/interpolate.ts';
import type { Project } from '../compose/project.ts';
import { get, items, text } from '../yaml/tree.ts';
import type { Injection } from './request.ts';

interface Published {
  readonly address: string;
  /** Undefined where the engine chooses one. */
  readonly host: string | undefined;
  readonly target: string;
  readonly protocol: string;
}

/** `[ADDRESS:][HOST]:TARGET[/PROTOCOL]` (Compose Specification, "ports"); undefined for a range. */
function readPort(line: string): Published | undefined {
  const found = /^(?:(\[[^\]]*\]|\d+\.[\d.]+):)?(?:(\d*):)?(\d+)(?:\/(\w+))?$/.exec(line);
  if (!found) return undefined;
  const [, address = '', host, target, protocol = 'tcp'] = found;
  return { address, host: host || undefined, target: target!, protocol };
}

/** @throws {Refusal} where a port of the machine would be published twice */
export function requirePublishedOnce(project: Project, injections: readonly Injection[]): void {
  const taken: [Published, string][] = [...project.services.values()].flatMap(({ name, tree }) =>
    items(get(interpolateTree(tree, project.environment, 'nothing'), 'ports')).flatMap(
      (item): [Published, string][] => {
        const line = text(item);
        const host = text(get(item, 'published'));
        const long = {
          address: text(get(item, 'host_ip')) ?? '',
          target: '',
          protocol: text(get(item, 'protocol')) ?? 'tcp',
        };
        const port = line === undefined ? { ...long, host } : readPort(line);
        return port ? [[port, `service ${name}`]] : [];
      },
    ),
  );
  for (const { sidecar, publish } of injections)
    for (const said of publish) {
      const port = readPort(interpolate(said, project.environment, 'nothing'));
      if (port?.host === undefined) continue;
      const other = taken.find(([each]) => meets(each, port));
      if (other)
        throw new Refusal(
          'publish-twice',
          `port ${port.host} of this machine is published by ${other[1]} already: take another, --publish 127.0.0.1:ANOTHER:${port.target}`,
        );
      taken.push([port, `the sidecar ${sidecar}`]);
    }
}

const everywhere = (address: string): boolean => address === '' || address === '0.0.0.0' || address === '[::]';
const meets = (a: Published, b: Published): boolean =>
  a.host === b.host &&
  a.protocol === b.protocol &&
  (a.address === b.address || everywhere(a.address) || everywhere(b.address));

/** Sentences about published ports on which no sidecar of the injection listens. */
export function unusedPorts({ injections }: { readonly injections: readonly Injection[] }): string[] {
  return injections.flatMap(({ sidecar, publish, set }) => {
    const { contract } = SIDECARS[sidecar]!;
    const own = Object.values(contract.ports).map(({ parameter }) => {
      const declared = (contract.parameters[parameter] as { default?: string } | undefined)?.default;
      return /(\d+)$/.exec(set[parameter] ?? String(defaultPort(contract, parameter) ?? declared ?? ''))?.[1];
    });
    return publish.flatMap((said) => {
      const target = readPort(said)?.target;
      return target === undefined || own.includes(target)
        ? []
        : [
            `${sidecar} does not listen on port ${target} of --publish ${said}; it listens on ${own.filter((port) => port !== undefined).join(', ')}.`,
          ];
    });
  });
}
