/**
 * Read something that is not there on every system.
 * @returns `otherwise` where reading throws
 */
export function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
