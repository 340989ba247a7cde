/** Which sidecars a pod wants, and with which parameters. */
import { Refusal } from '../../../../tools/bundled/refusal.ts';
import { SIDECARS } from '../../../../tools/bundled/sidecars.ts';
import type { Pod } from './admission.ts';

/** Annotation of a pod: names of sidecars with commas between them, or `false` for none at all. */
export const INJECT = 'sidecar-stacks.dev/inject';
/** Annotation of a pod: parameters of a sidecar, NAME=VALUE on lines of their own. Its name goes behind this. */
export const SET = 'sidecar-stacks.dev/set-';

/** The path at which pods with the annotation are reviewed. */
export const ANNOTATED = '/annotated';
/** Paths at which pods of a namespace with a sidecar's label are reviewed: its name goes behind this. */
export const LABELLED = '/labelled/';

/**
 * @param path of the request: which of the configuration's webhooks asks
 * @returns names; undefined for a path that nobody was told of
 */
export function wantedBy(path: string, { annotations }: Pod): readonly string[] | undefined {
  const asked = Object.hasOwn(annotations, INJECT) ? annotations[INJECT]!.trim() : undefined;
  if (path === ANNOTATED) return asked === undefined || asked === 'false' ? [] : namesIn(asked);
  const name = path.startsWith(LABELLED) ? path.slice(LABELLED.length) : '';
  if (!Object.hasOwn(SIDECARS, name)) return undefined;
  return asked === 'false' ? [] : [name];
}

const namesIn = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ),
];

/** @throws {Refusal} for a line that sets nothing */
export function parametersFor(sidecar: string, { annotations }: Pod): Record<string, string> {
  const key = `${SET}${sidecar}`;
  const lines = (Object.hasOwn(annotations, key) ? annotations[key]! : '').split('\n').map((line) => line.trim());
  return Object.fromEntries(
    lines
      .filter((line) => line !== '')
      .map((line) => {
        const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
        if (name === undefined) throw new Refusal('set', `annotation ${key} has a line that is not NAME=VALUE`);
        return [name, value!];
      }),
  );
}
