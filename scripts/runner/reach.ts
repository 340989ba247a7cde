/** How to reach a stack that was left up: what its compose.yaml says under `x-reach`. */
import { Project } from '../lib/compose.ts';
import { findStack } from '../lib/stacks.ts';
import type { RunResult } from './events.ts';

/**
 * Lines to print.
 * @param result a run that was kept
 */
export async function reachLines({ stack: name, run, ports }: RunResult): Promise<string[]> {
  const project = new Project({ name: run, dir: findStack(name).dir, env: ports });
  const { 'x-reach': reach } = (await project.config()) as { 'x-reach'?: string[] };
  return [
    '',
    `${run} is up:`,
    ...(reach ?? []).map((line) => `  ${line}`),
    '',
    `Remove it with: docker compose -p ${run} down --volumes`,
  ];
}
