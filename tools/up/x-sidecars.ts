/** `x-sidecars` of a service: what it asks for. */
import { suggestion } from '#kit/text/suggestion.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { Refusal } from '../bundled/refusal.ts';
import { POD_ONLY, USER } from '../inject/request.ts';
import { entries, get, isTrue, items, text, texts, type Tree } from '../yaml/tree.ts';

export interface RequestedSidecar {
  readonly name: string;
  readonly set: Readonly<Record<string, string>>;
  readonly publish: readonly string[];
  readonly share: readonly string[];
  readonly user?: string;
}

export interface SidecarsRequest {
  /** In the order of the file; empty for a pod without a sidecar. */
  readonly sidecars: readonly RequestedSidecar[];
  /** The application's published port stays published. */
  readonly keepOpen: boolean;
  /** Whether it is in the mesh; undefined where it does not say. */
  readonly mesh: boolean | undefined;
  /** A pod of its own is asked for. */
  readonly pod: boolean;
}

/** Keys of a sidecar that are none of its parameters. */
const KEYS: readonly string[] = ['publish', 'share', 'user'];
const KEEP_OPEN = 'keep-open';
/** What is no sidecar that stands alone. */
const WORDS: readonly string[] = [POD_ONLY, 'mesh'];
const FORMS = `a list of sidecars (x-sidecars: [tls]), a map with their parameters (x-sidecars: { tls: { TLS_MIN_VERSION: "1.3" } }), or "${POD_ONLY}"`;

/**
 * @param service its name, for messages
 * @param tree the value of `x-sidecars`, with its variables filled in
 * @returns undefined where the service asks for nothing
 * @throws {Refusal} for what cannot be understood
 */
export function readXSidecars(service: string, tree: Tree | undefined): SidecarsRequest | undefined {
  if (tree === undefined) return undefined;
  const refuse = (message: string): never => {
    throw new Refusal('x-sidecars', `${tree.at.file}:${tree.at.line}: x-sidecars of service ${service} ${message}`);
  };
  const none = { set: {}, publish: [], share: [] };
  const named = (name: string): string =>
    Object.hasOwn(SIDECARS, name)
      ? name
      : refuse(
          `names ${name}, which is no sidecar${suggestion(name, [...Object.keys(SIDECARS), ...WORDS, KEEP_OPEN])}; there are ${[...Object.keys(SIDECARS), 'mesh'].join(', ')}`,
        );
  const plain = (names: readonly string[]): SidecarsRequest => ({
    sidecars: names.filter((name) => !WORDS.includes(name)).map((name) => ({ name: named(name), ...none })),
    keepOpen: false,
    mesh: names.includes('mesh') || undefined,
    pod: names.includes(POD_ONLY),
  });
  if (tree.kind === 'scalar')
    return tree.value === null || tree.value === false ? undefined : plain([String(tree.value)]);
  if (tree.kind === 'seq') {
    const names = tree.items.map((item) => text(item) ?? refuse(`is understood as ${FORMS}`));
    const again = names.find((name, index) => names.indexOf(name) !== index);
    if (again !== undefined) refuse(`names ${again} twice`);
    return plain(names);
  }
  const requested = entries(tree).filter(
    ([name, value]) => name !== KEEP_OPEN && !WORDS.includes(name) && !isFalse(value),
  );
  const mesh = get(tree, 'mesh');
  return {
    keepOpen: isTrue(get(tree, KEEP_OPEN)),
    mesh: mesh === undefined ? undefined : !isFalse(mesh),
    pod: get(tree, POD_ONLY) !== undefined,
    sidecars: requested.map(([name, value]) => {
      named(name);
      if (value.kind === 'scalar' && value.value !== null && value.value !== true)
        refuse(`gives ${name} the value ${String(value.value)}; accepted is a map of its parameters`);
      if (value.kind === 'seq') refuse(`gives ${name} a list; accepted is a map of its parameters`);
      const set = entries(value).flatMap(([parameter, each]): [string, string][] => {
        if (KEYS.includes(parameter)) return [];
        return [
          [parameter, valueOf(each) ?? refuse(`gives ${parameter} of ${name} a map; accepted is a value or a list`)],
        ];
      });
      const user = text(get(value, 'user'));
      if (user !== undefined && !USER.test(user)) refuse(`gives ${name} the user ${user}; accepted is UID or UID:GID`);
      return {
        name,
        ...(user !== undefined && { user }),
        set: Object.fromEntries(set),
        publish: texts(get(value, 'publish')),
        share: texts(get(value, 'share')),
      };
    }),
  };
}

const isFalse = (tree: Tree): boolean => tree.kind === 'scalar' && tree.value === false;

/** A parameter as an environment variable has it; a list with commas between its values. */
function valueOf(tree: Tree): string | undefined {
  if (tree.kind === 'scalar') return tree.value === null ? '' : String(tree.value);
  const values = items(tree).map((item) => text(item));
  return tree.kind === 'map' || values.includes(undefined) ? undefined : values.join(',');
}
