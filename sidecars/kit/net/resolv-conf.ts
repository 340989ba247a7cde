/** The resolvers of this network namespace, as resolv.conf(5) names them. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** What resolv.conf(5) supposes where none is named. */
const DEFAULT = '127.0.0.1';

/** @returns addresses in the file's order, at least one */
export function nameservers(path = '/etc/resolv.conf'): [string, ...string[]] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Without the file the library's default stands, as for any program.
  }
  const named = [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, address]) => address!);
  const [first = DEFAULT, ...others] = named.filter((address) => isIP(address) !== 0);
  return [first, ...others];
}
