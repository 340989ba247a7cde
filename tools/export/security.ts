/** What a service may do, as a container's securityContext. */
import type { Service } from '../compose/project.ts';
import { from } from '../yaml/commented.ts';
import { get, isTrue, text, texts } from '../yaml/tree.ts';
import { builtOf } from './built.ts';
import { bundledSidecarOf } from './images.ts';
import type { Findings } from './problems.ts';

/** Users and groups that Debian gives fixed numbers (base-passwd), under the same number in both. */
const NUMBERS: Readonly<Record<string, number>> = {
  root: 0,
  daemon: 1,
  mail: 8,
  proxy: 13,
  'www-data': 33,
  backup: 34,
  nobody: 65534,
};
const GROUPS: Readonly<Record<string, number>> = { ...NUMBERS, adm: 4, nogroup: 65534 };

const numberIn = (names: Readonly<Record<string, number>>, said: string | undefined): number | undefined =>
  said !== undefined && /^\d+$/.test(said) ? Number(said) : Object.hasOwn(names, said ?? '') ? names[said!] : undefined;

/** A group's number, where it is known. */
export const groupOf = (said: string): number | undefined => numberIn(GROUPS, said);

/** User and group of a service by number, as far as the compose file says them. */
export function userOf(service: Service, base: string): { user: number | undefined; group: number | undefined } {
  // What its Dockerfile says, or what a sidecar of this house promises of its image.
  const own = builtOf(service, base)?.user || bundledSidecarOf(service)?.bundled.contract.user;
  const said = text(get(service.tree, 'user')) ?? own ?? '';
  const [user, group] = said.split(':');
  return { user: numberIn(NUMBERS, user), group: group === undefined ? undefined : groupOf(group) };
}

export function securityContext(
  service: Service,
  base: string,
  findings: Findings,
): Record<string, unknown> | undefined {
  const { name, tree } = service;
  const said = get(tree, 'user');
  const { user, group } = userOf(service, base);
  // Where it is the image's own, nothing has to be said.
  const other = text(said) !== '' && text(said) !== builtOf(service, base)?.user;
  if (said !== undefined && other && user === undefined)
    findings.warn(
      'user-name',
      said.at,
      `user ${text(said)} of ${name} is a name, which only its image knows: Kubernetes takes a number, so the image's own user runs it`,
    );
  const options = texts(get(tree, 'security_opt'));
  const safe = options.some((option) => /^no-new-privileges([:=]true)?$/.test(option));
  const unconfined = options.some((option) => /^seccomp[:=]unconfined$/.test(option));
  const add = get(tree, 'cap_add');
  const drop = get(tree, 'cap_drop');
  const names = (tree_: typeof add): string[] | undefined =>
    tree_ &&
    from(
      texts(tree_).map((each) => each.toUpperCase().replace(/^CAP_/, '')),
      tree_.at,
    );
  const context = {
    ...(user !== undefined && {
      ...(user !== 0 && { runAsNonRoot: true }),
      runAsUser: from(user, said?.at),
      runAsGroup: group,
    }),
    ...(isTrue(get(tree, 'read_only')) && { readOnlyRootFilesystem: from(true, get(tree, 'read_only')?.at) }),
    ...(safe && { allowPrivilegeEscalation: from(false, get(tree, 'security_opt')?.at) }),
    ...((add || drop) && { capabilities: { add: names(add), drop: names(drop) } }),
    ...(isTrue(get(tree, 'privileged')) && { privileged: from(true, get(tree, 'privileged')?.at) }),
    ...(!isTrue(get(tree, 'privileged')) && {
      seccompProfile: { type: unconfined ? 'Unconfined' : 'RuntimeDefault' },
    }),
  };
  return context;
}
