/** Where replicas and their callers are, as their labels say it. */

export interface Locality {
  readonly region: string;
  readonly zone: string;
}

/** Well-known labels of Kubernetes. */
const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';

/** @returns undefined for one that does not say its zone */
export function localityOf(labels: Readonly<Record<string, string>>): Locality | undefined {
  const { [REGION]: region = '', [ZONE]: zone } = labels;
  return zone === undefined ? undefined : { region, zone };
}
