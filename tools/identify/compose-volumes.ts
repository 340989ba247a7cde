/**
 * Which services of a compose project share a folder for one's sake: a volume alone says nothing
 * (three servers may read one configuration), so a group needs a helper whose role explains it.
 */
import type { Role } from './model/answer.ts';
import { basename, type Facts, type Mount } from './model/facts.ts';
import { judge } from './roles/score.ts';

/** Helper, application, and the volume that joins them. */
export interface VolumeLink {
  readonly helper: string;
  readonly app: string;
  readonly volume: string;
}

/** Roles that explain a shared volume, and whether the helper is the one that writes it. */
const EXPLAINS: Partial<Record<Role, 'writes' | 'reads' | 'either'>> = {
  'log-shipper': 'reads',
  'git-sync': 'writes',
  content: 'writes',
  backup: 'either',
  certs: 'writes',
  secrets: 'writes',
  config: 'either',
  cron: 'either',
  init: 'writes',
};
/** How sure a role must be to explain; those that many programs look like need more. */
const LEAST: Partial<Record<Role, number>> = { content: 0.6, config: 0.65, cron: 0.6 };

/** Paths of the host that everybody mounts. */
const COMMON =
  /^(\/|~\/?|\.\/?|\.\.\/?|\/(etc|proc|sys|dev|run|var\/run|var\/log|var\/lib\/docker|tmp|home|root|mnt|usr)(\/.*)?|.*\.sock)$/;
const A_FILE = /\.[A-Za-z][A-Za-z0-9]{0,9}$/;

/**
 * @param services all of the project
 * @param dependsOnEnd whether the first waits for the second to end successfully
 */
export function volumeLinks(
  services: readonly Facts[],
  minConfidence: number,
  dependsOnEnd: (waiter: string, ended: string) => boolean,
): VolumeLink[] {
  const users = Map.groupBy(
    services.flatMap((facts) => facts.mounts.filter(shareable).map((mount) => ({ facts, mount }))),
    ({ mount }) => sourceOf(mount),
  );
  const roles = new Map<Facts, { role: Role; confidence: number }>();
  const roleOf = (facts: Facts, others: readonly Facts[]) => {
    const known = roles.get(facts);
    if (known) return known;
    const { role, confidence } = judge(facts, others, false);
    const certain =
      facts.runsFirst && confidence < 0.5 ? { role: 'init' as const, confidence: 0.5 } : { role, confidence };
    roles.set(facts, certain);
    return certain;
  };
  return [...users].flatMap(([volume, each]) => {
    if (each.length < 2) return [];
    const all = each.map(({ facts }) => facts);
    const helpers = each.filter(({ facts, mount }) => {
      const { role, confidence } = roleOf(
        facts,
        all.filter((other) => other !== facts),
      );
      const way = EXPLAINS[role];
      return (
        way !== undefined &&
        confidence >= Math.max(minConfidence, LEAST[role] ?? 0) &&
        !(way === 'writes' && mount.readOnly)
      );
    });
    return helpers.flatMap(({ facts: helper, mount }) =>
      appsOf(
        helper,
        mount,
        roleOf(helper, []).role,
        each.filter(({ facts }) => !helpers.some((other) => other.facts === facts)),
      )
        .filter((app) => !helper.runsFirst || dependsOnEnd(app.name, helper.name) || roleOf(helper, []).role !== 'init')
        .map((app) => ({ helper: helper.name, app: app.name, volume })),
    );
  });
}

function appsOf(
  helper: Facts,
  mount: Mount,
  role: Role,
  others: readonly { readonly facts: Facts; readonly mount: Mount }[],
): Facts[] {
  const candidates = others.filter((other) => !(mount.readOnly && other.mount.readOnly));
  // A scheduled job runs the application's own image; a web server on the same files is not its application.
  const same = candidates.filter(({ facts }) => sameProgram(facts, helper));
  if (role === 'cron' && same.length > 0) return same.map(({ facts }) => facts);
  if (role === 'log-shipper' || role === 'backup' || role === 'cron') {
    const writers = candidates.filter((other) => !other.mount.readOnly);
    if (writers.length > 0) return writers.map(({ facts }) => facts);
  }
  // Who runs the same image without a schedule is a peer.
  return candidates.filter(({ facts }) => !sameProgram(facts, helper) || helper.runsFirst).map(({ facts }) => facts);
}

function sameProgram(a: Facts, b: Facts): boolean {
  if (a.image && b.image) return basename(a.image.text) === basename(b.image.text);
  return a.build !== undefined && a.build === b.build;
}

const sourceOf = (mount: Mount): string => (mount.source ?? '').replace(/\/+$/, '');

function shareable(mount: Mount): boolean {
  if (mount.source === undefined || mount.kind === 'file') return false;
  if (mount.kind === 'volume') return true;
  return !COMMON.test(mount.source) && !A_FILE.test(sourceOf(mount));
}
