/** Which containers of one group are the application, and which help it. */
import type { ContainerClass, Evidence, Member } from './model/answer.ts';
import { localTargets, repository, type Facts } from './model/facts.ts';
import { APP_NAME } from './roles/hints.ts';
import { judge, round, type Judgement } from './roles/score.ts';

export interface MembersOptions {
  /** The workload's name: the application often bears it. */
  readonly workload: string;
  readonly sharesNetwork: boolean;
  /** From here on a container counts as a helper, 0 to 1. */
  readonly minConfidence: number;
  /** What else speaks for a container's being a helper: that it joins another's namespace. */
  readonly further?: (facts: Facts) => Evidence | undefined;
}

interface Candidate {
  readonly facts: Facts;
  readonly judgement: Judgement;
  /** Confidence after what speaks for being the application is taken off. */
  readonly confidence: number;
}

const FRONT = /^(proxy|cache)$/;
/** What speaks for being the application takes so much of the confidence away. */
const APP_DISCOUNT = 0.2;

/**
 * Tell the members of a group apart.
 * @param group all its containers, in the order of the file
 * @returns a member each, in the same order; at least one is the application, where any container lasts
 */
export function membersOf(group: readonly Facts[], options: MembersOptions): Member[] {
  const judged = new Map(
    group.map((facts) => {
      const others = group.filter((other) => other !== facts);
      const judgement = judge(facts, others, options.sharesNetwork, options.further?.(facts));
      return [facts, { facts, judgement, confidence: discounted(facts, judgement, others, options) }] as const;
    }),
  );
  const lasting = [...judged.values()].filter(({ facts }) => !facts.runsFirst && !facts.native);
  const apps = new Set(applications(lasting, options).map(({ facts }) => facts));
  return group.map((facts) => memberOf(judged.get(facts)!, apps.has(facts)));
}

function memberOf({ facts, judgement, confidence }: Candidate, app: boolean): Member {
  if (app)
    return {
      name: facts.name,
      class: 'app',
      role: 'app',
      confidence: round(1 - Math.min(confidence, 0.95)),
      evidence: [],
    };
  const what: ContainerClass = facts.runsFirst ? 'init' : facts.native ? 'native-sidecar' : 'sidecar';
  // What runs first or is declared a sidecar is known to help; its role may be anything.
  const certain = facts.runsFirst || facts.native;
  const role =
    facts.runsFirst && (judgement.role === 'unknown' || judgement.confidence < 0.35) ? 'init' : judgement.role;
  return {
    name: facts.name,
    class: what,
    role,
    confidence: certain ? 1 : confidence,
    evidence: judgement.evidence,
  };
}

function applications(
  lasting: readonly Candidate[],
  { minConfidence, workload, sharesNetwork }: MembersOptions,
): Candidate[] {
  if (lasting.length <= 1) return [...lasting];
  const apps = lasting.filter(({ confidence }) => confidence < minConfidence);
  if (apps.length > 0) return sharesNetwork ? withoutFrontProxies(apps, lasting) : apps;
  // Everybody looks like a helper: the likeliest application is who looks least so.
  const ranked = lasting.toSorted((a, b) => likeness(b, workload, lasting) - likeness(a, workload, lasting));
  return ranked.slice(0, 1);
}

/** A web server in front of one unknown program of the same pod helps it; in front of nothing it is the application. */
function withoutFrontProxies(apps: readonly Candidate[], lasting: readonly Candidate[]): Candidate[] {
  const fronts = apps.filter(({ judgement, facts }) => isFront(judgement, facts, apps, lasting));
  return fronts.length > 0 && fronts.length < apps.length ? apps.filter((each) => !fronts.includes(each)) : [...apps];
}

function isFront(
  judgement: Judgement,
  facts: Facts,
  apps: readonly Candidate[],
  lasting: readonly Candidate[],
): boolean {
  if (!FRONT.test(judgement.role) || judgement.confidence < 0.35 || isDeclaredApp(facts)) return false;
  // What a helper feeds with content, or measures, is the application.
  const fed = lasting.some(
    (other) =>
      other.facts !== facts &&
      /^(git-sync|content|config|certs)$/.test(other.judgement.role) &&
      other.judgement.confidence >= 0.5,
  );
  return !fed && apps.some((other) => other.facts !== facts && !FRONT.test(other.judgement.role));
}

/** The label by which a service of sidecar-stacks says that it is the application. */
const isDeclaredApp = (facts: Facts): boolean => facts.labels.get('dev.sidecar-stacks.role')?.text === 'app';

function discounted(facts: Facts, judgement: Judgement, others: readonly Facts[], options: MembersOptions): number {
  if (isDeclaredApp(facts)) return 0;
  let confidence = judgement.confidence;
  const name = facts.name.toLowerCase();
  if (name !== '' && name === options.workload.toLowerCase()) confidence -= APP_DISCOUNT;
  else if (APP_NAME.test(name)) confidence -= APP_DISCOUNT / 2;
  const pointedAt =
    options.sharesNetwork &&
    others.some((other) =>
      localTargets(other).some(
        ({ port }) => port !== undefined && facts.ports.includes(port) && !other.ports.includes(port),
      ),
    );
  if (pointedAt) confidence -= APP_DISCOUNT / 2;
  // A proxy with a network of its own stands before more than its group.
  if (!options.sharesNetwork && FRONT.test(judgement.role)) confidence -= APP_DISCOUNT;
  return round(Math.max(0, confidence));
}

/** How much a container that looks like a helper may be the application all the same. */
function likeness(
  { facts, confidence, judgement }: Candidate,
  workload: string,
  lasting: readonly Candidate[],
): number {
  let score = 1 - confidence;
  const image = facts.image ? repository(facts.image.text).split('/').at(-1)! : '';
  const names = [facts.name.toLowerCase(), image].filter((name) => name !== '');
  // A web server or a cache may well be what a pod is for; a private network's client is not.
  if (/^(proxy|cache|unknown)$/.test(judgement.role)) score += 0.3;
  if (names.some((name) => name === workload.toLowerCase())) score += 0.5;
  else if (
    workload !== '' &&
    names.some((name) => workload.toLowerCase().includes(name) || name.includes(workload.toLowerCase()))
  )
    score += 0.25;
  if (facts.ports.length > 0) score += 0.1;
  const targets = localTargets(facts).some(({ port }) => port !== undefined && !facts.ports.includes(port));
  if (!targets && lasting.some((other) => other.facts !== facts && localTargets(other.facts).length > 0)) score += 0.3;
  return score;
}
