/** How many stacks run at the same time unless told: most of their time they wait. */
import { availableParallelism } from 'node:os';

export const DEFAULT_JOBS = Math.ceil(availableParallelism() * 1.5);
