/**
 * Tells how node_modules differs from package-lock.json in the folder `root`: the first difference
 * in a few words, undefined when they match.
 */
export function staleness(root: string): string | undefined;

/**
 * Makes node_modules match package-lock.json by `npm ci`, if it does not. Rejects when npm fails,
 * with what it said.
 */
export function ensureNodeModules(root: string, say: (line: string) => void): Promise<void>;

/** Makes node_modules/.bin/node out of the package that brings it, where npm did not. */
export function linkNode(root: string): void;
