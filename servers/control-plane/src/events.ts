/** Events of a control plane, for metrics and tests. */
import type { Unit } from './xds/boundary.ts';
import type { Ending } from './registry/registry.ts';
import type { MeshState } from './xds/resources/state.ts';

export interface Events {
  readonly answer: (answer: 'ack' | 'nack', type: string) => void;
  readonly push: (type: string) => void;
  readonly clients: (count: number) => void;
  readonly refusal: (reason: string) => void;
  readonly certificate: () => void;
  readonly policyRefused: (error: Error) => void;
  readonly policyTaken: () => void;
  readonly ended: (ending: Ending) => void;
  readonly state: (state: MeshState) => void;
  readonly stored: (failure: Error | undefined) => void;
  /** @param held services that are not as they should be, for people */
  readonly published: (failure: Error | undefined, held: string | undefined) => void;
  /** A unit of work failed, and ended alone. */
  readonly failed: (unit: Unit | 'authority') => void;
}

/** Nobody counts. */
export const SILENT: Events = {
  answer: () => {},
  push: () => {},
  clients: () => {},
  refusal: () => {},
  certificate: () => {},
  policyRefused: () => {},
  policyTaken: () => {},
  ended: () => {},
  state: () => {},
  stored: () => {},
  published: () => {},
  failed: () => {},
};
