/** RBAC filters as the model's authorisation. */
import type { Authorization, AuthorizationRule } from '../../model/authorization.ts';
import type { StringMatch } from '../../model/match.ts';
import type { Read } from '../protobuf.ts';
import type { HttpRbac, PermissionMessage, PrincipalMessage } from '../schema.ts';
import { defined, ResourceRefused, stringMatch } from './common.ts';

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
  return Object.assign({}, ...and_rules.rules.map(part)) as Partial<AuthorizationRule>;
}

/** One condition of several that must all hold. */
function part(permission: PermissionMessage): Partial<AuthorizationRule> {
  const { header, or_rules } = permission;
  if (header) return { methods: methods(header) };
  const rules = or_rules?.rules ?? [permission];
  const paths = rules.flatMap(({ url_path }) => (url_path?.path ? [stringMatch(url_path.path)] : []));
  const ports = rules.flatMap(({ destination_port }) => destination_port ?? []);
  if (paths.length === rules.length) return { paths };
  return ports.length === rules.length ? { ports } : refuse('a mixture of permissions');
}

/** One method, or several as an expression of alternatives. */
function methods({ name, string_match }: NonNullable<PermissionMessage['header']>): string[] {
  const { exact, safe_regex } = string_match ?? {};
  if (name !== ':method') return refuse(`a permission by the header ${name ?? ''}`);
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
  const [denied, accepted] = [parts.filter(({ not_id }) => not_id), parts.filter(({ not_id }) => !not_id)];
  if (denied.length > 1 || accepted.length > 1) refuse('a conjunction of principals');
  return defined({
    identities: accepted[0] && names(accepted[0]),
    notIdentities: denied[0]?.not_id && names(denied[0].not_id),
  });
}

const names = (principal: PrincipalMessage): StringMatch[] =>
  (principal.or_ids?.ids ?? [principal]).map(({ authenticated }) => {
    if (!authenticated) return refuse('a principal besides authenticated');
    return authenticated.principal_name ? stringMatch(authenticated.principal_name) : ANY_IDENTITY;
  });
