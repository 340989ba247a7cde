/** Which replicas are the nearest to a caller. */
import { localityOf, type Locality } from '#mesh/model/locality.ts';
import type { ReplicaState } from './state.ts';

export const localityKey = ({ region, zone }: Locality): string => JSON.stringify([region, zone]);

/** Replicas of one locality. */
export interface Near {
  readonly locality: Locality;
  /** 0 for the nearest that there are; no number is left out. */
  readonly priority: number;
  readonly replicas: readonly ReplicaState[];
}

const NOWHERE: Locality = { region: '', zone: '' };

/** Replicas by their localities: those of the caller's zone first, then those of its region. */
export function nearestFirst(replicas: readonly ReplicaState[], caller: Locality): Near[] {
  const groups = [...Map.groupBy(replicas, ({ labels }) => localityKey(localityOf(labels) ?? NOWHERE)).values()].map(
    (members) => {
      const locality = localityOf(members[0]!.labels) ?? NOWHERE;
      const distance = locality.region !== caller.region ? 2 : locality.zone !== caller.zone ? 1 : 0;
      return { locality, distance, replicas: members };
    },
  );
  const distances = [...new Set(groups.map(({ distance }) => distance))].toSorted((a, b) => a - b);
  return groups.map(({ locality, distance, replicas: members }) => ({
    locality,
    priority: distances.indexOf(distance),
    replicas: members,
  }));
}
