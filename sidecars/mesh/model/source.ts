/** Where configurations come from. */
import type { Configuration } from './configuration.ts';

/** A configuration cannot be used; the message says what is wrong, and where. */
export class ConfigurationRefused extends Error {}

/**
 * Takes a snapshot in use, as a whole.
 * @throws {ConfigurationRefused} and the former one stays in use: xDS calls it NACK
 */
export type ConfigurationUser = (configuration: Configuration) => void;

export interface ConfigurationSource {
  /** Begin, with one user: it gets each snapshot, the first as soon as it is there. */
  start(user: ConfigurationUser): void;
  close(): void;
}
