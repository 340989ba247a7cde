import { docker } from '../lib/engine.ts';
import { lastLines, run } from '../lib/run.ts';
import { IMAGE_LABEL, STACK_LABEL } from '../lib/labels.ts';

/** What of ours the engine holds, in the order in which it can be removed. */
export type Kind = 'container' | 'network' | 'volume' | 'image';

export const KINDS: readonly Kind[] = ['container', 'network', 'volume', 'image'];

export interface Remnant {
  kind: Kind;
  /** What to call it when removing it; for an image its name where it has one, so that others' names stay. */
  id: string;
  /** What to call it when speaking of it. */
  name: string;
}

/**
 * Every image of ours is named so, the last by the run that borrows it; one that somebody built on ours
 * has inherited our label only.
 */
const OUR_IMAGES = /^sidecar-stacks[/-]/;

const LISTS: Record<Kind, readonly string[]> = {
  container: ['ps', '--all', '--filter', `label=${STACK_LABEL}`, '--format', '{{.ID}}\t{{.Names}}'],
  network: ['network', 'ls', '--filter', `label=${STACK_LABEL}`, '--format', '{{.ID}}\t{{.Name}}'],
  volume: ['volume', 'ls', '--filter', `label=${STACK_LABEL}`, '--format', '{{.Name}}\t{{.Name}}'],
  image: ['image', 'ls', '--filter', `label=${IMAGE_LABEL}`, '--format', '{{.ID}}\t{{.Repository}}:{{.Tag}}'],
};

const REMOVALS: Record<Kind, readonly string[]> = {
  // With the volumes that have no name, and so belong to the container alone.
  container: ['rm', '--force', '--volumes'],
  network: ['network', 'rm'],
  volume: ['volume', 'rm'],
  // Never by force: an image that somebody else's container uses stays.
  image: ['image', 'rm'],
};

const LIST_MS = 30_000;
const REMOVE_MS = 120_000;
const KEPT_COMPLAINTS = 100;

/** Lists what carries our labels. Throws EngineError. */
export async function findRemnants(kind: Kind): Promise<Remnant[]> {
  return parseRemnants(kind, await docker(LISTS[kind], { timeoutMs: LIST_MS }));
}

/** Reads a list of `ID<tab>NAME` lines as the engine prints it. */
export function parseRemnants(kind: Kind, listed: string): Remnant[] {
  const lines = listed.split('\n').filter((line) => line !== '');
  const remnants = lines.map((line): Remnant => {
    const [id = '', name = ''] = line.split('\t');
    if (kind !== 'image') return { kind, id, name };
    const nameless = name.includes('<none>');
    return { kind, id: nameless ? id : name, name: nameless ? `unnamed ${id}` : name };
  });
  // One image has a line for each of its names; one that is nameless has several when digests are kept.
  return [...new Map(remnants.map((remnant) => [remnant.id, remnant])).values()];
}

/** False for an image that lost its name to a later build. */
export function isNamed({ kind, id, name }: Remnant): boolean {
  return kind !== 'image' || id === name;
}

/** True for an image that carries our label only because it was built on one of ours. */
export function isInherited(remnant: Remnant): boolean {
  return remnant.kind === 'image' && isNamed(remnant) && !OUR_IMAGES.test(remnant.name);
}

export interface Removal {
  removed: Remnant[];
  /** What is still there, and the engine's reason. */
  kept: { remnant: Remnant; why: string }[];
}

/**
 * Removes these, all of one kind. What vanishes meanwhile counts as removed.
 * Throws EngineError when the engine cannot list any more what is left.
 */
export async function removeAll(kind: Kind, remnants: readonly Remnant[]): Promise<Removal> {
  let left = [...remnants];
  let complaints: string[] = [];
  // In several rounds, since an image can go only after those built on it.
  for (let before = Infinity; left.length > 0 && left.length < before;) {
    before = left.length;
    const { stderr } = await run('docker', [...REMOVALS[kind], ...left.map(({ id }) => id)], { timeoutMs: REMOVE_MS });
    complaints = lastLines(stderr, KEPT_COMPLAINTS);
    const there = new Set((await findRemnants(kind)).map(({ id }) => id));
    left = left.filter(({ id }) => there.has(id));
  }
  return {
    removed: remnants.filter((remnant) => !left.includes(remnant)),
    kept: left.map((remnant) => ({ remnant, why: reason(remnant, complaints) })),
  };
}

function reason({ id }: Remnant, complaints: readonly string[]): string {
  const line = complaints.find((complaint) => complaint.includes(id)) ?? 'the engine does not say why';
  return line.replace(/^Error response from daemon: /, '');
}
