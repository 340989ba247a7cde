/** RBAC filters as the model's authorisation. */
import type { Authorization, AuthorizationRule } from '../../model/authorization.ts';
import type { StringMatch } from '../../model/match.ts';
import type { Read } from '../wire/protobuf.ts';
import type { HttpRbac, PermissionMessage, PrincipalMessage } from '../wire/schema.ts';
import { defined, headerMatch, ResourceRefused, stringMatch, unwrap } from './common.ts';

const DENY = 1;
/** Any caller that has an identity. */
const ANY_IDENTITY: StringMatch = { prefix: 'spiffe://' };

/** @throws {ResourceRefused} for rules that the model cannot say */
export function authorization(filters: readonly Read<typeof HttpRbac>[]): Authorization | undefined {
  if (filters.length === 0) return undefined;
  const rules = filters.flatMap(({ rules: each }) => {
    const action = each?.action === DENY ? 'deny' : 'allow';
    return Object.entries(each?.policies ?? {}).flatMap(([name, { permissions, principals }]) =>
      permissions.flatMap((permission) =>
        principals.map((principal): AuthorizationRule => ({
          name,
          action,
          ...permissionOf(permission),
          ...principalOf(principal),
        })),
      ),
    );
  });
  const allows = filters.some(({ rules: each }) => each?.action !== DENY);
  return { otherwise: allows ? 'deny' : 'allow', rules };
}

const refuse = (what: string): never => {
  throw new ResourceRefused(`RBAC: ${what} is not known here`);
};

function permissionOf({ any, and_rules }: PermissionMessage): Partial<AuthorizationRule> {
  if (any === true) return {};
  if (!and_rules) return refuse('a permission besides any and and_rules');
  const conditions = and_rules.rules.flatMap(({ header }) => header ?? []);
  const headers = conditions.filter(({ name }) => name !== ':method').map(headerMatch);
  const [method, ...more] = conditions.filter(({ name }) => name === ':method');
  if (more.length > 0) return refuse('a conjunction of methods');
  return Object.assign(
    defined({ methods: method && methods(method), headers: headers.length > 0 ? headers : undefined }),
    ...and_rules.rules.filter(({ header }) => header === undefined).map(part),
  ) as Partial<AuthorizationRule>;
}

/** One condition of several that must all hold. */
function part(permission: PermissionMessage): Partial<AuthorizationRule> {
  const { or_rules } = permission;
  const rules = or_rules?.rules ?? [permission];
  const paths = rules.flatMap(({ url_path }) => (url_path?.path ? [stringMatch(url_path.path)] : []));
  const ports = rules.flatMap(({ destination_port }) => destination_port ?? []);
  if (paths.length === rules.length) return { paths };
  return ports.length === rules.length ? { ports } : refuse('a mixture of permissions');
}

/** One method, or several as an expression of alternatives. */
function methods({ string_match }: NonNullable<PermissionMessage['header']>): string[] {
  const { exact, safe_regex } = string_match ?? {};
  if (exact !== undefined) return [exact];
  const expression = safe_regex?.regex ?? '';
  return /^[A-Z\\|-]+$/.test(expression)
    ? expression.replaceAll('\\', '').split('|')
    : refuse(`the methods ${expression}`);
}

function principalOf(principal: PrincipalMessage): Partial<AuthorizationRule> {
  if (principal.any === true) return {};
  const { and_ids } = principal;
  const parts = and_ids ? and_ids.ids : [principal];
  const found: { [Field in PrincipalField]?: PrincipalMessage } = {};
  for (const each of parts) {
    const { not_id: denied } = each;
    const field: PrincipalField = isAddress(denied ?? each)
      ? denied
        ? 'notIpBlocks'
        : 'ipBlocks'
      : denied
        ? 'notIdentities'
        : 'identities';
    if (found[field]) refuse('a conjunction of principals');
    found[field] = denied ?? each;
  }
  return defined({
    identities: found.identities && names(found.identities),
    notIdentities: found.notIdentities && names(found.notIdentities),
    ipBlocks: found.ipBlocks && ipBlocks(found.ipBlocks),
    notIpBlocks: found.notIpBlocks && ipBlocks(found.notIpBlocks),
  });
}

type PrincipalField = 'identities' | 'notIdentities' | 'ipBlocks' | 'notIpBlocks';

const alternatives = (principal: PrincipalMessage): readonly PrincipalMessage[] => principal.or_ids?.ids ?? [principal];

const isAddress = (principal: PrincipalMessage): boolean =>
  alternatives(principal).every(({ direct_remote_ip }) => direct_remote_ip !== undefined);

const ipBlocks = (principal: PrincipalMessage): string[] =>
  alternatives(principal).map(
    ({ direct_remote_ip: block }) => `${block?.address_prefix}/${unwrap(block?.prefix_len) ?? 0}`,
  );

const names = (principal: PrincipalMessage): StringMatch[] =>
  alternatives(principal).map(({ authenticated }) => {
    if (!authenticated) return refuse('a principal besides authenticated');
    return authenticated.principal_name ? stringMatch(authenticated.principal_name) : ANY_IDENTITY;
  });
