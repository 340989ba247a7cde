/** The parameters of a sidecar beside an application whose ports are known. */
import { readParameters } from '#kit/contract/parameters.ts';
import type { BundledSidecar } from './sidecars.ts';
import { Refusal } from './refusal.ts';

/**
 * Add the application's port, and check them all.
 * @param set parameters as given
 * @param ports on which the application listens, as its manifest says
 * @param workload names it in a refusal
 * @param howToSet how the caller's user sets a parameter, for a refusal
 * @throws {Refusal} when the application has no port or several and none was set
 * @throws {ConfigurationError} for parameters that the sidecar would refuse
 */
export function environmentFor(
  { appPort, contract }: BundledSidecar,
  set: Readonly<Record<string, string>>,
  ports: readonly number[],
  workload: string,
  howToSet: (assignment: string) => string = (assignment) => `--set ${assignment}`,
): Record<string, string> {
  const all = { ...set };
  if (appPort !== undefined && all[appPort] === undefined) {
    if (ports.length !== 1)
      throw new Refusal(
        'app-port',
        `${workload} ${ports.length === 0 ? 'names no containerPort' : `listens on ${ports.join(', ')}`}: say which one ${contract.name} is for, ${howToSet(`${appPort}=PORT`)}`,
      );
    all[appPort] = String(ports[0]);
  }
  readParameters(contract.parameters, { env: all, prefixes: contract.prefixes, readFile: () => 'in the container' });
  return all;
}
