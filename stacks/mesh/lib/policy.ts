/** Changing the policy of a stack that is up, as an operator would: by its file. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Driver } from '../../../scripts/lib/driver.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { graphOf, upToDate } from './control.ts';
import { PROXIES } from './proxies.ts';

/** The parts of a policy that the checks change. */
export interface Policy {
  mesh: Record<string, unknown>;
  services: Record<string, Record<string, unknown>>;
}

/** The policy that the stack comes with. */
export const basePolicy = (): Policy =>
  parse(readFileSync(join(import.meta.dirname, '../policy.yaml'), 'utf8')) as Policy;

/** Put a text in the policy's place, at once and as a whole. */
export async function writePolicy(project: Driver, text: string): Promise<void> {
  await project.exec('control-plane', ['sh', '-c', 'cat > /policy/.next && mv /policy/.next /policy/policy.yaml'], {
    input: text,
    // The volume is root's; the control plane only reads it.
    user: '0:0',
  });
}

/** What a service's policy is changed to. */
export type Change = (service: Record<string, unknown>) => void;
/** It is as the stack comes with it. */
export const unchanged: Change = () => undefined;

const changes = new Map<string, Change>();
/** The texts that were written, by digest, in their order. */
const written = new Map<string, number>();
let last: Promise<unknown> = Promise.resolve();

/**
 * Change the policy of services, each from what the stack comes with, and wait until every proxy has it. What was
 * changed of other services stays: lanes that each keep to their own services do not disturb one another.
 * @param ofAll changes all of it, until the next change
 */
export async function applyPolicy(
  project: Driver,
  ofServices: Readonly<Record<string, Change>>,
  ofAll: (policy: Policy) => void = () => undefined,
): Promise<void> {
  for (const [name, change] of Object.entries(ofServices)) changes.set(name, change);
  const number = written.size + 1;
  const policy = basePolicy();
  for (const [name, change] of changes) change(policy.services[name]!);
  ofAll(policy);
  const text = `# ${number}\n${stringify(policy)}`;
  written.set(createHash('sha256').update(text).digest('hex'), number);
  // One after the other, in the order of their numbers: what is written last is what the last one wanted.
  last = last.catch(() => undefined).then(() => writePolicy(project, text));
  await last;
  let version: number | undefined;
  await eventually(
    'every proxy has the policy',
    async () => {
      const graph = await graphOf(project);
      if ((written.get(graph.policy ?? '') ?? 0) >= number) version ??= graph.version;
      const proxies = version === undefined ? [] : upToDate(graph, version);
      const missing = PROXIES.filter((replica) => !proxies.includes(replica));
      if (missing.length > 0) throw new Error(`${graph.problem ?? 'waiting for'} ${missing.join(', ')}`);
      return true;
    },
    { within: 120_000, every: 50 },
  );
}
