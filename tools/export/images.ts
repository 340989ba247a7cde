/** Images as an export names them: with a version, and of our own where a project builds them. */
import { SIDECARS, type BundledSidecar } from '../bundled/sidecars.ts';
import type { Service } from '../compose/project.ts';
import { basename } from '../identify/model/facts.ts';
import { get, text } from '../yaml/tree.ts';
import type { Findings } from './problems.ts';
import type { Digests } from './registry.ts';

export interface Image {
  /** Without its tag. */
  readonly name: string;
  /** Undefined where a digest says it. */
  readonly tag: string | undefined;
  /** As a container names it. */
  readonly reference: string;
  /** Built by the project, or kept on its machine: it has to be pushed to a registry. */
  readonly own: boolean;
  /** A registry may be asked for it: compose's pull_policy does not say `never` or `build`. */
  readonly pulled: boolean;
}

export interface ImageChoice {
  /** The project's name: compose calls an image that has no name `PROJECT-SERVICE`. */
  readonly project: string;
  readonly tag?: string | undefined;
  readonly allowFloating?: boolean | undefined;
  readonly digests?: Digests | undefined;
}

/** A service's image, and what is wrong with it. */
export function imageOf({ name, tree, at }: Service, choice: ImageChoice, findings: Findings): Image {
  const said = get(tree, 'image');
  const reference = text(said)?.trim() ?? '';
  const build = get(tree, 'build');
  if (reference === '' && build && choice.tag !== undefined) {
    const made = `${choice.project}-${name}`.toLowerCase();
    return { name: made, tag: choice.tag, reference: `${made}:${choice.tag}`, own: true, pulled: true };
  }
  if (reference === '') {
    findings.refuse(
      'no-image',
      build?.at ?? at,
      build
        ? `service ${name} is built and has no image: give it a name to push it by (image: NAME:VERSION)`
        : `service ${name} has no image`,
      build && '--tag VERSION',
    );
    return { name: name, tag: undefined, reference: name, own: true, pulled: false };
  }
  const policy = text(get(tree, 'pull_policy'));
  const pulled = policy !== 'never' && policy !== 'build';
  const own = build !== undefined || !pulled;
  if (reference.includes('@')) return { name: reference.split('@')[0]!, tag: undefined, reference, own, pulled };
  const tag = /:([^/:]+)$/.exec(reference)?.[1];
  if (tag === undefined || tag === 'latest') {
    const bare = reference.replace(/:latest$/, '');
    if (own && choice.tag !== undefined)
      return { name: bare, tag: choice.tag, reference: `${bare}:${choice.tag}`, own, pulled };
    const message = `service ${name} runs ${reference}, which is another image each time it is pulled`;
    const flag = own ? '--tag VERSION' : '--allow-floating';
    if (!own && choice.allowFloating) {
      const digest = choice.digests?.found.get(reference);
      if (digest !== undefined) {
        findings.warn('digest', said!.at, `${message}: today it is ${digest}, which is what the manifests name`);
        return { name: bare, tag: undefined, reference: `${bare}@${digest}`, own, pulled };
      }
      const why = choice.digests?.failed.get(reference);
      findings.warn(
        'latest',
        said!.at,
        why === undefined ? message : `${message}; its registry names no digest: ${why}`,
      );
    } else findings.refuse('latest', said!.at, `${message}: name a version (image: ${bare}:VERSION)`, flag);
  }
  return { name: tag === undefined ? reference : reference.slice(0, -tag.length - 1), tag, reference, own, pulled };
}

/** Whether another image may be pulled by its name tomorrow. */
export const isFloating = ({ tag, reference, own }: Image): boolean =>
  !own && !reference.includes('@') && (tag === undefined || tag === 'latest');

/** What this package knows of a service's image, where it is a sidecar of this house or one made from it. */
export function bundledSidecarOf({ tree }: Service): { name: string; bundled: BundledSidecar } | undefined {
  const image = text(get(tree, 'image'));
  if (image === undefined || !/(^|\/)sidecar-stacks\//.test(image)) return undefined;
  const base = basename(image);
  const name = Object.keys(SIDECARS).find((each) => base === each || base.startsWith(`${each}-`));
  return name === undefined ? undefined : { name, bundled: SIDECARS[name]! };
}
