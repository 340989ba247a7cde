/** Compose's hooks as Kubernetes has them: `pre_start` as init containers, `post_start` and `pre_stop` as lifecycle hooks. */
import { pairs } from '../compose/facts.ts';
import { mergeTrees } from '../compose/merge.ts';
import type { Service } from '../compose/project.ts';
import { from } from '../yaml/commented.ts';
import { get, isTrue, items, text, texts, type MapTree, type Tree } from '../yaml/tree.ts';
import type { Findings } from './problems.ts';
import { words } from '../compose/values.ts';
import { literally } from './units.ts';

/** What a step takes from itself; the rest is its service's. */
const OWN = ['image', 'command', 'entrypoint', 'user', 'working_dir', 'environment', 'privileged'];
/** What says nothing about a container that ends. */
const LONG_LIVED = ['pre_start', 'post_start', 'pre_stop', 'healthcheck', 'ports', 'expose'];

/** The containers that a service's `pre_start` runs one after the other before it, as services. */
export const stepsOf = ({ name, tree }: Service): Service[] =>
  items(get(tree, 'pre_start')).flatMap((step, index): Service[] => {
    if (step.kind !== 'map') return [];
    const other = step.entries.has('image');
    const kept = [...tree.entries].filter(
      ([key]) => ![...LONG_LIVED, 'command', ...(other ? ['build', 'entrypoint'] : [])].includes(key),
    );
    const own = [...step.entries].filter(([key]) => OWN.includes(key));
    const merged = mergeTrees({ ...tree, entries: new Map(kept) }, { ...step, entries: new Map(own) });
    return [{ name: `${name}-pre-start-${index + 1}`, tree: merged as MapTree, at: step.at }];
  });

/**
 * A container's lifecycle hooks.
 * @returns undefined where the service has none
 */
export function lifecycleOf({ name, tree }: Service, findings: Findings): Record<string, unknown> | undefined {
  const hooks = (
    [
      ['post_start', 'postStart'],
      ['pre_stop', 'preStop'],
    ] as const
  ).flatMap(([key, field]) => {
    const said = get(tree, key);
    const steps = items(said);
    for (const step of steps)
      if (isTrue(get(step, 'privileged')) || !sameUser(text(get(step, 'user')), text(get(tree, 'user'))))
        findings.refuse(
          'hook-user',
          step.at,
          `${key} of ${name} runs as another user than its service, and a cluster's hooks do not: let a service that ends do it before (service_completed_successfully)`,
        );
    const [only] = steps;
    if (only === undefined) return [];
    const direct = steps.length === 1 && plain(only);
    const command = direct ? wordsOf(only) : shell(steps);
    if (!direct)
      findings.warn('hook-shell', said!.at, `${key} of ${name} is one command of /bin/sh, which its image has to have`);
    return [[field, from({ exec: { command: command.map(literally) } }, said!.at)] as const];
  });
  return hooks.length === 0 ? undefined : Object.fromEntries(hooks);
}

const SHELL = ['/bin/sh', '-c'];

const sameUser = (hook: string | undefined, service: string | undefined): boolean => {
  const root = (user: string | undefined): string => (user === 'root' || user === '0:0' ? '0' : (user ?? ''));
  return hook === undefined || root(hook) === root(service);
};

const wordsOf = (step: Tree): string[] => {
  const said = get(step, 'command');
  return said?.kind === 'seq' ? texts(said) : words(text(said) ?? '');
};

const plain = (step: Tree): boolean => get(step, 'environment') === undefined && get(step, 'working_dir') === undefined;

/** Several steps, or one with a folder or an environment of its own: each only where those before succeeded. */
function shell(steps: readonly Tree[]): string[] {
  const lines = steps.map((step) => {
    const folder = text(get(step, 'working_dir'));
    const set = [...pairs(get(step, 'environment'))].map(([key, value]) => `${key}=${value.text}`);
    const command = [...(set.length > 0 ? ['env', ...set] : []), ...wordsOf(step)].map(quoted).join(' ');
    return folder === undefined ? command : `(cd ${quoted(folder)} && ${command})`;
  });
  return [...SHELL, lines.join(' && ')];
}

/** As a shell takes it as one word. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
