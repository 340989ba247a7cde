/** Services that cannot be made as they are to be: each stands as it was published last, or is left out, and all others are published. */
import type { MeshState, ServiceState } from './resources/state.ts';

/** Why services could not be made, by their names. */
export type Failures = ReadonlyMap<string, Error>;

/** What stands in a failed service's place: what was published last, or nothing. */
export type StandIn = 'last' | 'nothing';

/**
 * A state with others in place of the services that failed.
 * @param last services as they were published last
 */
export function withStandIns(
  wanted: MeshState,
  standIns: ReadonlyMap<string, StandIn>,
  last: readonly ServiceState[],
): MeshState {
  if (standIns.size === 0) return wanted;
  const good = wanted.services.filter(({ name }) => !standIns.has(name));
  const taken = new Set(good.flatMap(({ hosts }) => hosts));
  const kept = last.filter(({ name }) => standIns.get(name) === 'last').flatMap((each) => lessHosts(each, taken));
  return { ...wanted, services: [...good, ...kept].toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
}

/** A host that now is another's: clients refuse the routes of all where one has two services. */
function lessHosts(service: ServiceState, taken: ReadonlySet<string>): ServiceState[] {
  const hosts = service.hosts.filter((host) => !taken.has(host));
  if (hosts.length === service.hosts.length) return [service];
  return hosts[0] === service.name ? [{ ...service, hosts }] : [];
}

/** For people: which services are not as they should be. @param published whether a service is there at all */
export function describeHeld(failures: Failures, published: (service: string) => boolean): string | undefined {
  if (failures.size === 0) return undefined;
  const named = [...failures]
    .slice(0, MOST_NAMED)
    .map(
      ([service, { message }]) => `${service} ${published(service) ? 'stands as it was' : 'is left out'}: ${message}`,
    );
  const rest = failures.size - named.length;
  return `${named.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}

const MOST_NAMED = 10;
