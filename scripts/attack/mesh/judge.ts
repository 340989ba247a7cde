/** What of an answer shows that an attack had success. */
import { readings } from '../paths.ts';
import { GOOD_PATH, identityOf, SECRET, type Told } from './shop.ts';

/** Of a port for everybody, or for members that the policy names. */
export const OPEN = 8080;
export const MEMBERS = 8081;

/**
 * Look at what a hostile client was answered.
 * @param shown what it had sent
 * @param port of the shop
 * @throws what the suite reports
 */
export function judge(answered: string, shown: string, port: number): void {
  const fault = faultOf(answered, port);
  if (fault !== undefined) throw new Error(`${fault}: ${JSON.stringify(shown.slice(0, 300))}`);
}

function faultOf(answered: string, port: number): string | undefined {
  if (answered.includes(SECRET)) return 'a secret was read';
  if (answered.includes(GOOD_PATH)) return "the good client's answer was read";
  const told = [...answered.matchAll(/\{"target":.*?\}/g)].map(([text]) => JSON.parse(text) as Told);
  if (told.length > 0 && port === MEMBERS) return 'the port of members was reached';
  for (const { target, caller } of told) {
    // Only who has its certificate is the neighbour itself.
    if (caller !== null && !caller.includes(`URI=${identityOf('hostile')}`))
      return `the application was told of ${caller}`;
    if (caller?.includes(identityOf('front'))) return `the application was told of ${caller}`;
    const refused = readings(target).find((path) => /^\/admin(?:\/|$)/.test(path));
    if (refused !== undefined) return `${refused} was reached`;
  }
  return undefined;
}
