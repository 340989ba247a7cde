/** Events about pods that got no sidecar, for `kubectl get events` and `kubectl describe`. */
import { RateLimit } from '#kit/time/rate-limit.ts';
import type { Pod } from '../review/admission.ts';
import type { Api } from './api.ts';

/** The same is not said again so soon, in milliseconds. */
const SAID_MS = 10 * 60_000;
const MOST_REMEMBERED = 1000;
const MOST_UNDER_WAY = 8;
/** Any client of the port can make it write events, so their rate is limited. */
const RATE = '60/min';
const MAX_MESSAGE = 1000;

export interface EventsOptions {
  readonly api: Api;
  readonly onDropped: (error: unknown) => void;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

export class Events {
  readonly #options: EventsOptions;
  readonly #now: () => number;
  readonly #rate: RateLimit;
  /** When each was said, the one of longest ago first. */
  readonly #said = new Map<string, number>();
  #underWay = 0;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#rate = new RateLimit(RATE, this.#now);
  }

  /** Say it about the pod's controller, or about the pod where it has none; at once, without waiting for the answer. */
  skipped(pod: Pod, message: string): void {
    const { api, onDropped } = this.#options;
    const about = pod.owner ?? { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: undefined };
    const key = JSON.stringify([pod.namespace, about.kind, about.name, message]);
    const now = this.#now();
    const last = this.#said.get(key);
    if (last !== undefined && now - last < SAID_MS) return;
    if (this.#underWay >= MOST_UNDER_WAY || this.#rate.take('') > 0) {
      onDropped(undefined);
      return;
    }
    this.#said.delete(key);
    this.#said.set(key, now);
    if (this.#said.size > MOST_REMEMBERED) this.#said.delete(this.#said.keys().next().value!);
    this.#underWay += 1;
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    void api
      .ask('POST', `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/events`, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'sidecar-stacks-', namespace: pod.namespace },
        involvedObject: { ...about, namespace: pod.namespace },
        type: 'Warning',
        reason: 'SidecarSkipped',
        message: message.slice(0, MAX_MESSAGE),
        source: { component: 'sidecar-stacks-webhook' },
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      })
      .catch((error: unknown) => {
        this.#said.delete(key);
        onDropped(error);
      })
      .finally(() => (this.#underWay -= 1));
  }
}
