/** Changing the policy of a stack that is up, as an operator would: by its file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Project } from '../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { graphOf } from './control.ts';

/** The parts of a policy that the checks change. */
export interface Policy {
  mesh: Record<string, unknown>;
  services: Record<string, Record<string, unknown>>;
}

/** The policy that the stack comes with. */
export const basePolicy = (): Policy => parse(readFileSync(join(import.meta.dirname, 'policy.yaml'), 'utf8')) as Policy;

/** Put a text in the policy's place, at once and as a whole. */
export async function writePolicy(project: Project, text: string): Promise<void> {
  await project.exec('control-plane', ['sh', '-c', 'cat > /policy/.next && mv /policy/.next /policy/policy.yaml'], {
    input: text,
    // The volume is root's; the control plane only reads it.
    user: '0:0',
  });
}

let changes = 0;

/**
 * Change the stack's policy, and wait until every proxy has it.
 * @param change is given the policy that the stack comes with
 */
export async function applyPolicy(project: Project, change: (policy: Policy) => void = () => undefined): Promise<void> {
  const policy = basePolicy();
  change(policy);
  const before = (await graphOf(project)).version;
  // A policy that means the same has no new version: each differs in something that matters to nobody.
  const services = { ...policy.services, [`change-${++changes}`]: { hosts: [`change-${changes}.internal`] } };
  await writePolicy(project, stringify({ ...policy, services }));
  await eventually(
    'every proxy has the policy',
    async () => {
      const { version, proxies } = await graphOf(project);
      return version !== before && proxies.every((each) => each.version === version);
    },
    { within: 60_000 },
  );
}
