/** Authorisation as RBAC: filters that Envoy reads; what denies stands before what allows. */
import type { Permission } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/rbac/v3/Permission.js';
import type { Principal } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/rbac/v3/Principal.js';
import type { RBAC } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/rbac/v3/RBAC.js';
import type { AuthorizationRulePolicy } from '../../policy/types.ts';
import { parseCidr } from '../../policy/cidr.ts';
import { headerMatcher, methodMatcher, starMatcher } from './matchers.ts';
import { spiffeId, type MeshState, type ServiceState } from './state.ts';

/** At most two: what is refused, and what alone is let through. */
export function rbacOf(state: MeshState, { policy }: ServiceState, kind: 'http' | 'tcp'): RBAC[] {
  const { rules = [], otherwise = state.mesh.authorization } = policy.authorization ?? {};
  const of = (action: 'allow' | 'deny') =>
    Object.fromEntries(
      rules
        .filter((rule) => rule.action === action && fits(rule, kind))
        .map((rule) => [rule.name, { permissions: [permission(rule, kind)], principals: [principal(rule, state)] }]),
    );
  const denied = of('deny');
  return [
    ...(Object.keys(denied).length > 0 ? [{ action: 'DENY', policies: denied } as const] : []),
    // Without one that fits, an ALLOW filter refuses.
    ...(otherwise === 'deny' ? [{ action: 'ALLOW', policies: of('allow') } as const] : []),
  ];
}

/** A rule to allow that names methods, paths or headers fits no connection that is not HTTP. */
const fits = ({ action, methods, paths, headers }: AuthorizationRulePolicy, kind: 'http' | 'tcp'): boolean =>
  kind === 'http' || action === 'deny' || (methods ?? paths ?? headers) === undefined;

function permission(
  { methods, paths, headers = [], ports }: AuthorizationRulePolicy,
  kind: 'http' | 'tcp',
): Permission {
  const http = kind === 'http';
  const rules: Permission[] = [
    ...(methods && http ? [{ header: methodMatcher(methods) }] : []),
    ...(paths && http
      ? [{ or_rules: { rules: paths.map((path) => ({ url_path: { path: starMatcher(path) } })) } }]
      : []),
    ...(http ? headers.map((each) => ({ header: headerMatcher(each) })) : []),
    ...(ports ? [{ or_rules: { rules: ports.map((port) => ({ destination_port: port })) } }] : []),
  ];
  return rules.length === 0 ? { any: true } : { and_rules: { rules } };
}

function principal({ from, notFrom, ipBlocks, notIpBlocks }: AuthorizationRulePolicy, state: MeshState): Principal {
  const any = (names: readonly string[]): Principal => ({ or_ids: { ids: names.map((name) => caller(name, state)) } });
  const ids: Principal[] = [
    ...(from ? [any(from)] : []),
    ...(notFrom ? [{ not_id: any(notFrom) }] : []),
    ...(ipBlocks ? [addresses(ipBlocks)] : []),
    ...(notIpBlocks ? [{ not_id: addresses(notIpBlocks) }] : []),
  ];
  return ids.length === 0 ? { any: true } : { and_ids: { ids } };
}

/** Callers by the address that they connect from. */
const addresses = (blocks: readonly string[]): Principal => ({
  or_ids: {
    ids: blocks.map((block) => {
      const { address, length } = parseCidr(block)!;
      return { direct_remote_ip: { address_prefix: address, prefix_len: { value: length } } };
    }),
  },
});

/** A service of this mesh by its name, or SPIFFE ids by a pattern. `*` is any caller that has an identity. */
function caller(name: string, state: MeshState): Principal {
  if (name === '*') return { authenticated: {} };
  const principal_name =
    name.includes(':') || name.includes('*') ? starMatcher(name) : { exact: spiffeId(state, name) };
  return { authenticated: { principal_name } };
}
