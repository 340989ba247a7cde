/** What more.yaml adds to the stack that is up: for an obligation, and gone after it. */
import { delimiter } from 'node:path';
import type { Driver } from '../../../scripts/lib/driver.ts';

/** Those that the stack was brought up with, and more. */
const { COMPOSE_FILE = ['compose.yaml', 'compose.override.yaml'].join(delimiter) } = process.env;
const FILES = [...COMPOSE_FILE.split(delimiter), 'more.yaml'].flatMap((file) => ['-f', file]);
const LONG = { timeoutMs: 180_000 };

export interface More {
  /** `docker compose ARGS…` with more.yaml. */
  readonly compose: (args: readonly string[]) => Promise<string>;
  /** Start the services, in their order and each when it may, and wait until they are healthy. */
  readonly up: () => Promise<void>;
}

/**
 * @param services all of the pod's, the app first
 * @param work what is done with them
 */
export async function withMore(
  project: Driver,
  services: readonly string[],
  work: (more: More) => Promise<void>,
): Promise<void> {
  const compose = (args: readonly string[]): Promise<string> => project.compose([...FILES, ...args], LONG);
  const up = async (): Promise<void> => {
    await compose(['up', '--detach', '--wait', services[0]!]);
  };
  try {
    await work({ compose, up });
  } finally {
    await compose(['rm', '--stop', '--force', '--volumes', ...services]);
  }
}
