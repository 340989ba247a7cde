/** What the parts catalogue gives a sidecar's container, beside what its contract says that it needs. */
import { parse } from 'yaml';
import type { Sidecar } from '../sidecars.ts';
import type { Disagreement } from './disagreement.ts';

const CATALOGUE = 'compose.yaml';

interface Part {
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly tmpfs?: readonly string[];
}

/**
 * Compare the catalogue's parts with the sidecars' contracts.
 * @param text the catalogue
 */
export function checkCatalogue(sidecars: readonly Sidecar[], text: string): Disagreement[] {
  const { services } = parse(text, { merge: true, maxAliasCount: -1 }) as { services: Record<string, Part> };
  return sidecars
    .filter(({ path }) => path.startsWith('sidecars/'))
    .flatMap(({ name, contract: { deploy } }) => {
      const part = services[name];
      const differs = (declared: string, there: string, repair: string): Disagreement => ({
        where: `${CATALOGUE}: services.${name}`,
        declared,
        there,
        repair,
      });
      if (part === undefined) return [differs(`a part ${name}`, 'no such service', 'write it like its neighbours')];
      return [
        ['mem_limit', deploy.memory, part.mem_limit],
        ['pids_limit', deploy.pids, part.pids_limit],
        ['tmpfs', deploy.tmpfs, part.tmpfs ?? []],
      ].flatMap(([key, declared, there]) =>
        JSON.stringify(declared) === JSON.stringify(there)
          ? []
          : [
              differs(
                `${String(key)}: ${JSON.stringify(declared)}`,
                JSON.stringify(there),
                `write ${String(key)}: ${JSON.stringify(declared)}`,
              ),
            ],
      );
    });
}

/** Two that listen on one port by default cannot both start in one pod. */
export function checkPorts(sidecars: readonly Sidecar[]): Disagreement[] {
  const taken = new Map<number, string>();
  const inPods = sidecars.filter(({ path }) => path.startsWith('sidecars/'));
  return inPods.flatMap(({ name, path, document }) =>
    Object.values(document.ports).flatMap(({ parameter, default: port }) => {
      const other = port === undefined ? undefined : taken.get(port);
      if (port !== undefined && other === undefined) taken.set(port, `${parameter} of ${name}`);
      return other === undefined
        ? []
        : [
            {
              where: `${path}/src/contract.ts`,
              declared: `${parameter} has the default ${port}`,
              there: `${other} has it, too, and both may be in one pod`,
              repair: 'take another port',
            },
          ];
    }),
  );
}
