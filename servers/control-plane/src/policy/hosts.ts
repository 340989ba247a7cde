/** Which service a policy gives a host to. */
import type { Policy } from './types.ts';

const known = new WeakMap<Policy, ReadonlyMap<string, string>>();

/** Services by the hosts that they have besides their own names; worked out once for each policy. */
export function hostsOf(policy: Policy): ReadonlyMap<string, string> {
  let hosts = known.get(policy);
  if (!hosts) {
    const pairs = Object.entries(policy.services).flatMap(([service, { hosts: all = [] }]) =>
      all.filter((host) => host !== service).map((host) => [host, service] as const),
    );
    hosts = new Map(pairs);
    known.set(policy, hosts);
  }
  return hosts;
}
