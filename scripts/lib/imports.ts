/** Where an import leads. */
import { dirname, join, normalize } from 'node:path';

/** Short names of package.json's `imports`. */
const ALIASES: readonly (readonly [string, string])[] = [
  ['#kit/', 'sidecars/kit/'],
  ['#proxy/', 'sidecars/proxy/'],
  ['#mesh/', 'sidecars/mesh/'],
];

/**
 * @param file that imports, relative to the root
 * @param name as it stands there
 * @returns a path relative to the root
 */
export function importedPath(file: string, name: string): string {
  for (const [alias, path] of ALIASES) if (name.startsWith(alias)) return path + name.slice(alias.length);
  return normalize(join(dirname(file), name));
}
