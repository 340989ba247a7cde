/** What is to be injected, as said on the command line and as kept in the file that was written. */

export interface Injection {
  readonly sidecar: string;
  readonly into: string;
  /** Parameters of the sidecar. */
  readonly set: Readonly<Record<string, string>>;
  /** Published ports of the sidecar, in compose's short form. */
  readonly publish: readonly string[];
  /** Paths of the application that the sidecar is to see too. */
  readonly share: readonly string[];
}

/** Same service, same sidecar. */
export const sameTarget = (a: Injection, b: Injection): boolean => a.sidecar === b.sidecar && a.into === b.into;
