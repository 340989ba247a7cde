/** Replicas of a service behind their proxies, with an application or without, and who calls them. */
import type { Configuration } from '#mesh/model/configuration.ts';
import { SHOP, startPod, towards, type TestPod, type TowardsOptions } from './mesh.ts';

/** Nobody listens there, and nobody is given it as a free one. */
export const NOBODY = 1;

/** A pod whose application listens on a port, or would. */
export async function replica(port: number, configuration?: Partial<Configuration>): Promise<TestPod> {
  const pod = await startPod('shop', configuration ? { configuration } : {});
  pod.meant.inbound = { address: '127.0.0.1', port };
  return pod;
}

/** A replica whose application has stopped. */
export const stopped = (): Promise<TestPod> => replica(NOBODY);

/** How often an endpoint that was missed may have been tried since: each time that it was left out for is over. */
export function onceASecond(): () => number {
  const startedAt = performance.now();
  return () => 1 + Math.floor((performance.now() - startedAt) / 1000);
}

/** A pod that calls these replicas by turns. */
export async function caller(replicas: readonly TestPod[], options: TowardsOptions = {}): Promise<TestPod> {
  return callerOf(
    replicas.map(({ plane }) => plane.inboundPort),
    options,
  );
}

/** The same, by the ports that proxies of the replicas listen on. */
export async function callerOf(ports: readonly number[], options: TowardsOptions = {}): Promise<TestPod> {
  const cluster = { policy: 'ROUND_ROBIN', ...options.cluster } as const;
  const pod = await startPod('front', {
    configuration: towards(ports, { ...options, cluster }),
    ...(options.onEjection && { plane: { onEjection: options.onEjection } }),
  });
  pod.meant.outbound = SHOP;
  return pod;
}
