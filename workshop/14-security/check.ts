import { serviceOf, type Inspected } from '../../scripts/lib/compose.ts';
import { adminPage } from '../../scripts/lib/admin.ts';
import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { page, publishedPort, publishedPorts } from '../commands/observe.ts';

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
const each = (problem: (container: Hardened) => string | undefined) => async (stage: Stage) => {
  await running(stage, 'tls');
  await running(stage, 'board');
  const all = (await stage.project.containers()) as Hardened[];
  for (const container of all.filter(({ State }) => State.Running)) {
    const found = problem(container);
    need(found === undefined, `${serviceOf(container)} ${found}`);
  }
};

async function serves(stage: Stage): Promise<void> {
  await running(stage, 'board');
  await running(stage, 'tls');
  const { body: ca } = await adminPage(stage.project, 'tls', '/ca.crt');
  const text = await page(`https://localhost:${await publishedPort(stage, 8443)}/`, ca);
  need(text.includes('Central'), 'a page answers, and it is not the departure board');
}

async function onlyHttps(stage: Stage): Promise<void> {
  await running(stage, 'tls');
  const ports = await publishedPorts(stage);
  const wrong = ports.find(({ inside, host }) => inside !== 8443 || host !== '127.0.0.1');
  need(wrong === undefined, `port ${wrong?.inside} is published on ${wrong?.host}: past the sidecar, or to everybody`);
}

export default exercise({
  runs: true,
  checks: [
    { must: 'show the departure board over HTTPS', look: serves },
    { must: 'be reached through the sidecar alone, on this machine alone', look: onlyHttps },
    {
      must: 'run nothing as root',
      look: each(({ Config: { User } }) => (/^(0|root)?(:|$)/.test(User) ? 'runs as root' : undefined)),
    },
    {
      must: 'give no privilege that is not needed',
      look: each(({ HostConfig: { Privileged, CapAdd, CapDrop, SecurityOpt } }) => {
        if (Privileged) return 'is privileged';
        if ((CapAdd ?? []).length > 0) return `has ${CapAdd!.join(', ')}`;
        if (!(CapDrop ?? []).includes('ALL')) return 'keeps the capabilities that the engine gives to everybody';
        return (SecurityOpt ?? []).some((option) => option.startsWith('no-new-privileges'))
          ? undefined
          : 'may gain privileges by a set-user-id program';
      }),
    },
    {
      must: 'write nowhere but in volumes',
      look: each(({ HostConfig: { ReadonlyRootfs } }) => (ReadonlyRootfs ? undefined : 'may write its own image')),
    },
    {
      must: 'be bounded in memory and processes',
      look: each(({ HostConfig: { Memory, PidsLimit } }) =>
        Memory > 0 && (PidsLimit ?? 0) > 0 ? undefined : 'may take all memory, or all processes',
      ),
    },
    {
      must: 'have no secret in the environment',
      look: each(({ Config: { Env } }) => {
        const found = (Env ?? []).find((line) => SECRET.test(line.split('=')[0]!));
        return found === undefined ? undefined : `shows ${found.split('=')[0]} to users who may inspect it`;
      }),
    },
  ],
});
