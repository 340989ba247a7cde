/** What every mode is given. */
import type { Kit } from '#kit/life/sidecar.ts';
import type { contract } from './contract.ts';

export type AmbassadorKit = Kit<typeof contract.parameters, typeof contract.metrics>;
