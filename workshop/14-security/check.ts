import { serviceOf, type Inspected } from '../../scripts/lib/compose.ts';
import { adminPage } from '../../scripts/lib/admin.ts';
import type { Reason } from '../languages/reasons.ts';
import { exercise, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import { page, publishedPort, publishedPorts } from '../commands/observe.ts';
import { why as common } from '../lessons/why.ts';
import { why } from './why.ts';

type Hardened = Inspected & {
  readonly Config: { readonly User: string; readonly Env: readonly string[] | null };
  readonly HostConfig: {
    readonly Privileged: boolean;
    readonly CapAdd: readonly string[] | null;
    readonly CapDrop: readonly string[] | null;
    readonly ReadonlyRootfs: boolean;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
    readonly PidsLimit: number | null;
  };
};

/** Names of variables that hold a secret; one that ends in _FILE says where it is. */
const SECRET = /(?:PASSWORD|TOKEN|SECRET|KEY)$/;

/** Every container that runs must be so; the first that is not, with what it is. */
const each = (problem: (container: Hardened, service: string) => Reason | undefined) => async (stage: Stage) => {
  await running(stage, 'tls');
  await running(stage, 'board');
  const all = (await stage.project.containers()) as Hardened[];
  for (const container of all.filter(({ State }) => State.Running)) {
    const found = problem(container, serviceOf(container));
    if (found) throw new Unmet(found);
  }
};

async function serves(stage: Stage): Promise<void> {
  await running(stage, 'board');
  await running(stage, 'tls');
  const { body: ca } = await adminPage(stage.project, 'tls', '/ca.crt');
  const text = await page(`https://localhost:${await publishedPort(stage, 8443)}/`, ca);
  need(text.includes('Central'), common('notTheBoard'));
}

async function onlyHttps(stage: Stage): Promise<void> {
  await running(stage, 'tls');
  const ports = await publishedPorts(stage);
  const wrong = ports.find(({ inside, host }) => inside !== 8443 || host !== '127.0.0.1');
  need(wrong === undefined, why('published', { port: wrong?.inside, host: wrong?.host }));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'show the departure board over HTTPS', look: serves },
    { must: 'be reached through the sidecar alone, on this machine alone', look: onlyHttps },
    {
      must: 'run nothing as root',
      look: each(({ Config: { User } }, service) =>
        /^(0|root)?(:|$)/.test(User) ? why('root', { service }) : undefined,
      ),
    },
    {
      must: 'give no privilege that is not needed',
      look: each(({ HostConfig: { Privileged, CapAdd, CapDrop, SecurityOpt } }, service) => {
        if (Privileged) return why('privileged', { service });
        if ((CapAdd ?? []).length > 0) return why('added', { service, capabilities: CapAdd!.join(', ') });
        if (!(CapDrop ?? []).includes('ALL')) return why('keeps', { service });
        const mayGain = !(SecurityOpt ?? []).some((option) => option.startsWith('no-new-privileges'));
        return mayGain ? why('mayGain', { service }) : undefined;
      }),
    },
    {
      must: 'write nowhere but in volumes',
      look: each(({ HostConfig: { ReadonlyRootfs } }, service) =>
        ReadonlyRootfs ? undefined : why('writable', { service }),
      ),
    },
    {
      must: 'be bounded in memory and processes',
      look: each(({ HostConfig: { Memory, PidsLimit } }, service) =>
        Memory > 0 && (PidsLimit ?? 0) > 0 ? undefined : why('unbounded', { service }),
      ),
    },
    {
      must: 'have no secret in the environment',
      look: each(({ Config: { Env } }, service) => {
        const name = (Env ?? []).map((line) => line.split('=')[0]!).find((each) => SECRET.test(each));
        return name === undefined ? undefined : why('secret', { service, name });
      }),
    },
  ],
});
