/** Changing the policy of a stack that is up, as an operator would: by its file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Project } from '../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { graphOf, upToDate } from './control.ts';
import { PROXIES } from './proxies.ts';

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
  const text = `# ${++changes}\n${stringify(policy)}`;
  const digest = createHash('sha256').update(text).digest('hex');
  await writePolicy(project, text);
  await eventually(
    'every proxy has the policy',
    async () => {
      const graph = await graphOf(project);
      return graph.policy === digest && upToDate(graph).length === PROXIES;
    },
    { within: 90_000 },
  );
}
