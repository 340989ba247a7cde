/** A stack as it is exported, for the drivers that run it as pods. */
import { parseAllDocuments } from 'yaml';
import { exportProject } from '../../tools/export/export.ts';
import type { File } from '../../tools/export/options.ts';
import { membersOf, type Pod } from '../../tools/export/pods.ts';
import type { Style } from '../../tools/export/probes.ts';
import { objectName } from '../../tools/export/units.ts';
import { composeFiles } from '../../tools/inject/files.ts';
import type { Service } from '../../tools/compose/project.ts';
import { get, text } from '../../tools/yaml/tree.ts';
import type { ProjectOptions } from './compose.ts';

// Objects of an API, whose shape the checks of the export have seen.
// eslint-disable-next-line typescript/no-explicit-any
export type Manifest = Record<string, any>;

export interface ExportedStack {
  /** Each after those that it waits for. */
  readonly pods: readonly Pod[];
  readonly objects: readonly Manifest[];
  readonly images: readonly string[];
}

/**
 * Export a stack with bare pods, whose names are known.
 * @throws {Error} where it is refused
 */
export function exportedStack({ dir, env }: ProjectOptions, style: Style): ExportedStack {
  const environment = { ...process.env, ...env };
  const { files, findings, pods, images } = exportProject(composeFiles(dir, [], environment), {
    base: dir,
    environment,
    style,
    bare: true,
  });
  const refused = findings.filter(({ level }) => level === 'refused').map(({ message }) => message);
  if (refused.length > 0) throw new Error(`the stack cannot be exported: ${refused.join('; ')}`);
  return { pods, objects: objectsOf(files), images: images.map(({ reference }) => reference) };
}

/** Every object of an export's base. */
export const objectsOf = (files: readonly File[]): Manifest[] =>
  files
    .filter(({ path }) => path.startsWith('base/') && !path.endsWith('kustomization.yaml'))
    .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));

/** Where a service of the compose project is in the pods that were made of it. */
export interface Member {
  readonly service: string;
  readonly pod: string;
  /** The role that the stack's labels give it. */
  readonly role: string;
  /** Its container as exported; undefined for a pause service, whose work the pod does. */
  readonly spec: Manifest | undefined;
  /** It is an init container, a sidecar among them. */
  readonly isInit: boolean;
  /** The command that tells that it is healthy; undefined where nothing does. */
  readonly healthy: readonly string[] | undefined;
}

/** Every service that has a place in a pod, the pause service last. @param pod as exported */
export function placed(pod: Pod, { spec }: Manifest): Member[] {
  const init = (spec.initContainers ?? []) as Manifest[];
  const all = [...init, ...(spec.containers as Manifest[])];
  const members = membersOf(pod).flatMap((service): Member[] => {
    const own = all.find(({ name }) => name === objectName(service.name));
    // Kubernetes does what it did.
    if (!own) return [];
    const probe = own['startupProbe'] ?? own['readinessProbe'];
    return [
      {
        service: service.name,
        pod: pod.name,
        role: roleOf(service),
        spec: own,
        isInit: init.includes(own),
        healthy: probe?.exec?.command,
      },
    ];
  });
  if (!pod.pause) return members;
  const pause = { service: pod.pause.name, pod: pod.name, role: 'pod', isInit: false };
  return [...members, { ...pause, spec: undefined, healthy: undefined }];
}

const roleOf = ({ tree }: Service): string => text(get(tree, 'labels', 'dev.sidecar-stacks.role')) ?? '';

/** The networks of the compose project that a pod is in. */
export function networksOf({ owner: { tree } }: Pod): string[] {
  const networks = get(tree, 'networks');
  if (networks?.kind === 'map') return [...networks.entries.keys()];
  return networks?.kind === 'seq' ? networks.items.map((item) => text(item) ?? '') : ['default'];
}
