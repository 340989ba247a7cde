/** What the containers of a pod do on a cluster, one line for each change: when they start, end, become ready. */
import { createHash } from 'node:crypto';
import type { Manifest } from '../lib/exported.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { statusesOf } from './inspected.ts';
import { kubectl, type Reach } from './kubectl.ts';

/** One change that was seen. */
export interface Change {
  /** Seconds since the pod was made. */
  readonly at: number;
  /** A container's name; `pod` for the pod itself. */
  readonly who: string;
  /** `started`, `ready`, `ended 0`, and a pod's phase. */
  readonly what: string;
}

export interface WatchOptions {
  /** Stop looking after so long, in milliseconds. */
  readonly within: number;
  /** Called with each change as it is seen. */
  readonly onChange?: (change: Change) => void;
  /** Stop looking as soon as this holds; without, when the pod has ended. */
  readonly until?: (changes: readonly Change[]) => boolean;
  /** Called once, when the pod runs; `reach` names its namespace. */
  readonly meanwhile?: (reach: Reach, pod: string) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

const LOOK_MS = 100;
const SHORT = { timeoutMs: 30_000 };

/**
 * Run a pod in a namespace of its own, tell what its containers do, and remove both.
 * @param manifest a Pod; of a Job, its pod is watched
 * @returns every change, in the order in which they were seen
 * @throws {EngineError} when the API server refuses it
 */
export async function timeline(cluster: Reach, manifest: Manifest, options: WatchOptions): Promise<Change[]> {
  const { within, onChange, signal, meanwhile } = options;
  const until = options.until ?? ((changes) => changes.some(({ who, what }) => who === 'pod' && isEnd(what)));
  const namespace = `sidecar-stacks-try-${createHash('sha1').update(`${process.pid} ${performance.now()}`).digest('hex').slice(0, 6)}`;
  const reach = { ...cluster, namespace };
  const outside = { ...cluster, namespace: undefined };
  await kubectl(outside, ['create', 'namespace', namespace], SHORT);
  await kubectl(outside, ['label', 'namespace', namespace, `${STACK_LABEL}=run`], SHORT);
  try {
    const began = performance.now();
    await kubectl(reach, ['create', '--filename=-'], { ...SHORT, input: JSON.stringify(manifest) });
    const changes: Change[] = [];
    const known = new Map<string, string>();
    let acted: Promise<void> | undefined;
    while (performance.now() - began < within && !until(changes) && !signal?.aborted) {
      const text = await kubectl(reach, ['get', 'pods', '--output=json'], SHORT);
      const [pod] = (JSON.parse(text) as { items: Manifest[] }).items;
      for (const [who, what] of pod ? statesOf(pod) : []) {
        if (known.get(who) === what) continue;
        known.set(who, what);
        const change = { at: (performance.now() - began) / 1000, who, what };
        changes.push(change);
        onChange?.(change);
      }
      if (pod?.['status'].phase === 'Running') acted ??= meanwhile?.(reach, pod['metadata'].name as string);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    await acted;
    return changes;
  } finally {
    await kubectl(outside, ['delete', 'namespace', namespace, '--wait=false'], { timeoutMs: 60_000 });
  }
}

export const isEnd = (what: string): boolean => what === 'Succeeded' || what === 'Failed';

/** What each container, and the pod, is at now. */
function statesOf(pod: Manifest): [string, string][] {
  const states = statusesOf(pod).flatMap(({ name, state, ready, restartCount }): [string, string][] => {
    const again = restartCount > 0 ? `, start ${restartCount + 1}` : '';
    if (state.running) return [[name, `${ready ? 'ready' : 'started'}${again}`]];
    if (state.terminated) return [[name, `ended ${state.terminated.exitCode}`]];
    return [];
  });
  return [...states, ['pod', pod['status'].phase as string]];
}
