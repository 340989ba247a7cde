/** What is watched: a container of the pod, and how one tells that it hangs. */
import { withoutCredentials } from '#kit/net/http-client.ts';

/** Three ways to look at a container. */
export type Check =
  | { readonly kind: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'process'; readonly name: string };

/** When to look, and when it is enough; durations in milliseconds. */
export interface Timing {
  readonly initialDelay: number;
  readonly period: number;
  readonly timeout: number;
  readonly failureThreshold: number;
  /** From TERM to KILL. */
  readonly gracePeriod: number;
}

export interface Probe extends Timing {
  readonly check: Check;
}

/** A container, with its liveness probe. */
export interface Target extends Probe {
  /** For logs and metrics. */
  readonly name: string;
  /** The process by which its container is found. */
  readonly process: string;
  /** Until this one has succeeded once in a life of the container, it takes the place of the other. */
  readonly startup?: Probe;
}

/** A check in a log line's words. */
export function describe(check: Check): string {
  if (check.kind === 'http') return withoutCredentials(check.url);
  return check.kind === 'tcp' ? `tcp://${check.host}:${check.port}` : `process ${check.name}`;
}
