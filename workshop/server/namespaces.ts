/** Which namespaces a container's processes live in, as the kernel of the engine's machine says. */
import { readlink } from 'node:fs/promises';
import { docker } from '../../scripts/lib/engine.ts';
import { parseFacts } from '../../scripts/debug/facts.ts';
import { runInPod, toolsImage } from '../../scripts/debug/tools.ts';
import type { Container } from './containers.ts';
import { KINDS, type Namespaces } from './pods.ts';

/** Inodes by container id, of containers that run; whose cannot be read are left out. */
export type ReadNamespaces = (containers: readonly Container[]) => Promise<Map<string, Namespaces>>;

/** On the engine's own machine, as root: from /proc. */
export const fromProc: ReadNamespaces = async (containers) => {
  const found = new Map<string, Namespaces>();
  for (const { Id, State } of containers) {
    try {
      const links = await Promise.all(KINDS.map((kind) => readlink(`/proc/${State.Pid}/ns/${kind}`)));
      found.set(Id, Object.fromEntries(KINDS.map((kind, index) => [kind, links[index]!])));
    } catch {
      // It has just ended, or belongs to another user, or to another machine.
    }
  }
  return found;
};

/** Anywhere else: by a container that sees the machine's processes. */
export const fromContainer: ReadNamespaces = async (containers) => {
  const [first] = containers;
  if (!first) return new Map();
  const image = await toolsImage(() => {});
  const pids = containers.map(({ State }) => State.Pid).join(',');
  const { namespaces } = parseFacts(
    await runInPod(image, { stack: 'workshop', network: first.Id, processes: 'host' }, ['facts', pids, '']),
  );
  return new Map(
    containers.flatMap(({ Id, State }) => {
      const seen = namespaces.get(State.Pid);
      if (!seen) return [];
      return [[Id, Object.fromEntries(KINDS.map((kind) => [kind, `${kind}:[${seen[kind]}]`]))] as const];
    }),
  );
};

/**
 * The cheaper way where it works, which is found out once: the other process of the same number on this machine, when
 * the engine has another, is told apart by its control group.
 */
export function namespaceReader(): ReadNamespaces {
  let local: Promise<boolean | undefined> | undefined;
  return async (containers) => {
    if (containers.length === 0) return new Map();
    local ??= isThisMachine(containers[0]!);
    const near = await local;
    // The container had ended, or the engine was busy: the next look finds it out.
    if (near === undefined) local = undefined;
    return near === true ? fromProc(containers) : fromContainer(containers);
  };
}

/**
 * Does this machine's /proc show the container's first process?
 * @returns undefined when either could not be asked
 */
async function isThisMachine({ Id, State }: Container): Promise<boolean | undefined> {
  try {
    const mine = await readlink(`/proc/${State.Pid}/ns/net`);
    return mine === (await docker(['exec', Id, 'readlink', '/proc/self/ns/net'], { timeoutMs: 10_000 }));
  } catch {
    return undefined;
  }
}
