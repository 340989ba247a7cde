/**
 * Names under which a browser may have the page. A page of a stranger can point a name of its own at this
 * server (DNS rebinding), but not an address, and not a name without a dot.
 */
import { isIP } from 'node:net';
import { Refusal } from '../access/refusal.ts';

/**
 * Make a check of a request's Host.
 * @param names that are accepted besides addresses, localhost and names without a dot; `*.` stands for one label or more
 * @returns throws {Refusal} misdirected
 */
export function hostCheck(names: readonly string[]): (host: string | undefined) => void {
  const accepted = names.map((name) => name.toLowerCase());
  return (host = '') => {
    const name = hostnameOf(host);
    if (isIP(name) !== 0 || (name !== '' && !name.includes('.')) || name.endsWith('.localhost')) return;
    if (accepted.some((each) => (each.startsWith('*.') ? name.endsWith(each.slice(1)) : name === each))) return;
    throw new Refusal(
      'misdirected',
      `the page is not served as ${JSON.stringify(name.slice(0, 100))}; accepted are addresses, localhost, and CONFIG_SERVER_HOSTS`,
    );
  };
}

/** The name or address of a Host header, in lower case: without port, brackets, and the dot of the root. */
function hostnameOf(host: string): string {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (bracketed ?? plain).toLowerCase().replace(/\.$/, '');
}
