/** How to reach a stack that was left up: what its compose.yaml says under `x-reach`. */
import { Project } from '../lib/compose.ts';
import { findStack } from '../lib/stacks.ts';
import type { RunResult } from './events.ts';

/** A published port as `docker compose config` prints it. */
interface Port {
  readonly host_ip?: string;
  readonly published?: string | number;
  readonly target: number;
}

/**
 * Lines to print: `x-reach` where the stack says it, else its published ports.
 * @param result a run that was kept
 */
export async function reachLines({ stack: name, run, ports }: RunResult): Promise<string[]> {
  const project = new Project({ name: run, dir: findStack(name).dir, env: ports });
  const { 'x-reach': reach, services = {} } = (await project.config()) as {
    'x-reach'?: string[];
    services?: Record<string, { ports?: Port[] }>;
  };
  const published = Object.entries(services).flatMap(([service, { ports = [] }]) =>
    ports.map(
      ({ host_ip = '127.0.0.1', published: port, target }) =>
        `${host_ip}:${port ?? '(a port of its own choice)'} leads to port ${target} of ${service}`,
    ),
  );
  return [
    '',
    `${run} is up:`,
    ...(reach ?? (published.length > 0 ? published : ['it publishes no port'])).map((line) => `  ${line}`),
    '',
    `Remove it with: docker compose -p ${run} down --volumes`,
  ];
}
