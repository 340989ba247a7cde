/** Sidecars for one pod: a pure function of the pod. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { podPatch, type ContainerOptions } from '../../../../tools/bundled/container-spec.ts';
import { environmentFor } from '../../../../tools/bundled/environment.ts';
import { Refusal } from '../../../../tools/bundled/refusal.ts';
import { SIDECARS, type BundledSidecar } from '../../../../tools/bundled/sidecars.ts';
import type { Container, Operation, Pod } from './admission.ts';
import { parametersFor, SET } from './wish.ts';

export interface Injection {
  readonly patch: readonly Operation[];
  /** Sidecars that were left out, each with the reason. */
  readonly skipped: readonly string[];
}

/** More sidecars than there are are no wish. */
const MOST_NAMES = 32;

/**
 * Put sidecars into a pod. One that is there already stays as it is, so that a pod may be reviewed again.
 * @param names of sidecars
 */
export function injectInto(pod: Pod, names: readonly string[], options: ContainerOptions): Injection {
  const patch: Operation[] = [];
  const skipped: string[] = [];
  let state: Pod = pod;
  for (const name of names.slice(0, MOST_NAMES)) {
    try {
      const added = addSidecar(state, name, options);
      patch.push(...added.patch);
      state = added.pod;
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof ConfigurationError)) throw error;
      skipped.push(`${printable(name)} was not injected: ${printable(error.message)}`);
    }
  }
  if (names.length > MOST_NAMES) skipped.push(`only the first ${MOST_NAMES} names of sidecars are read`);
  return { patch, skipped };
}

/** What a terminal or a header could take for a command is somebody's text. */
const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 400);

function addSidecar(pod: Pod, name: string, options: ContainerOptions): { patch: Operation[]; pod: Pod } {
  const bundled = Object.hasOwn(SIDECARS, name) ? SIDECARS[name] : undefined;
  if (bundled === undefined)
    throw new Refusal('no-sidecar', `there is no such sidecar; there are ${Object.keys(SIDECARS).join(', ')}`);
  const all = [...(pod.initContainers ?? []), ...pod.containers];
  const there = all.find((container) => container.name === name);
  if (there?.image.includes(`sidecar-stacks/${name}:`)) return { patch: [], pod };
  if (there) throw new Refusal('name', `the pod has a container ${name} that is another image`);
  requirePossible(pod);
  const ports = pod.containers.filter((container) => !isSidecar(container)).flatMap((container) => container.ports);
  const environment = environmentFor(
    bundled,
    parametersFor(name, pod),
    ports,
    'the pod',
    (assignment) => `annotation ${SET}${name}: ${assignment}`,
  );
  requireFreePorts(bundled, environment, ports);
  const added = podPatch(bundled, environment, options);
  if (added.shareProcesses && pod.shareProcessNamespace === false)
    throw new Refusal('shared-processes', 'it needs shareProcessNamespace: true, and the pod says false');
  const taken = added.volumes.find((volume) => pod.volumes?.includes(String(volume['name'])));
  if (taken) throw new Refusal('volume', `the pod has a volume ${String(taken['name'])} already`);
  return patched(pod, bundled, added, options.style);
}

function requirePossible({ hostNetwork, windows, containers }: Pod): void {
  if (hostNetwork)
    throw new Refusal('host-network', "the pod has hostNetwork, so a sidecar's ports would be the node's");
  if (windows) throw new Refusal('windows', 'the pod is for Windows');
  if (containers.length === 0) throw new Refusal('no-containers', 'the pod has no container');
}

/** One that was injected: by name and image, since an application may be of the same image. */
const isSidecar = ({ name, image }: Container): boolean =>
  Object.hasOwn(SIDECARS, name) && image.includes(`sidecar-stacks/${name}:`);

/** @throws {Refusal} where both would listen on one port of the pod's network */
function requireFreePorts(
  { contract }: BundledSidecar,
  environment: Readonly<Record<string, string>>,
  ports: readonly number[],
): void {
  for (const [name, { parameter }] of Object.entries(contract.ports)) {
    const value = environment[parameter] ?? contract.parameters[parameter]?.default ?? '';
    const port = Number(value.slice(value.lastIndexOf(':') + 1));
    if (ports.includes(port))
      throw new Refusal(
        'port',
        `its port ${name} is ${port}, on which the application listens: set ${parameter} by annotation ${SET}${contract.name}`,
      );
  }
}

function patched(
  pod: Pod,
  bundled: BundledSidecar,
  { container, volumes, shareProcesses }: ReturnType<typeof podPatch>,
  style: ContainerOptions['style'],
): { patch: Operation[]; pod: Pod } {
  const { name } = bundled.contract;
  const own = { name, image: String(container['image']), ports: [] };
  const patch: Operation[] = [];
  let next: Pod;
  if (style === 'native') {
    // Behind the sidecars that are there, before whatever an application needs at its start.
    const before = pod.initContainers?.findIndex((container) => !isSidecar(container)) ?? 0;
    const at = before === -1 ? pod.initContainers!.length : before;
    patch.push(
      pod.initContainers === undefined
        ? { op: 'add', path: '/spec/initContainers', value: [container] }
        : { op: 'add', path: `/spec/initContainers/${at}`, value: container },
    );
    next = { ...pod, initContainers: (pod.initContainers ?? []).toSpliced(at, 0, own) };
  } else {
    patch.push({ op: 'add', path: '/spec/containers/-', value: container });
    next = { ...pod, containers: [...pod.containers, own] };
  }
  if (volumes.length > 0) {
    if (pod.volumes === undefined) patch.push({ op: 'add', path: '/spec/volumes', value: volumes });
    else for (const volume of volumes) patch.push({ op: 'add', path: '/spec/volumes/-', value: volume });
    next = { ...next, volumes: [...(pod.volumes ?? []), ...volumes.map((volume) => String(volume['name']))] };
  }
  if (shareProcesses && pod.shareProcessNamespace !== true) {
    patch.push({ op: 'add', path: '/spec/shareProcessNamespace', value: true });
    next = { ...next, shareProcessNamespace: true };
  }
  return { patch, pod: next };
}
