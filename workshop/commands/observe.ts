/** What several exercises look at from outside: published ports, pages, who shares a namespace. */
import { HttpError, request } from '#kit/net/http-client.ts';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import type { Inspected } from '../../scripts/lib/compose.ts';
import { netNamespace } from '../../scripts/lib/admin.ts';
import { reasonOf, type Reason } from '../languages/reasons.ts';
import { container, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import { why } from '../lessons/why.ts';

/** Milliseconds for one answer. */
const PATIENCE = 5000;
/** Milliseconds until a container has come back after a crash, on a machine that is busy. */
const COMES_BACK = 60_000;

type Published = Inspected & {
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
  };
};

/** Every port of the project that this machine reaches. */
export async function publishedPorts({ project }: Stage): Promise<{ host: string; port: number; inside: number }[]> {
  const containers = (await project.containers()) as Published[];
  return containers.flatMap(({ NetworkSettings }) =>
    Object.entries(NetworkSettings.Ports).flatMap(([inside, bindings]) =>
      (bindings ?? []).map(({ HostIp, HostPort }) => ({
        host: HostIp,
        port: Number(HostPort),
        inside: Number.parseInt(inside, 10),
      })),
    ),
  );
}

/**
 * The port of this machine by which a port of the project's containers is reached, whichever service publishes it.
 * @throws {Unmet} when none does
 */
export async function publishedPort(stage: Stage, inside: number): Promise<number> {
  const found = (await publishedPorts(stage)).find((each) => each.inside === inside);
  need(found, why('notPublished', { inside }));
  return found.port;
}

/**
 * The port of this machine by which a service's port is reached.
 * @throws {Unmet} when it is not published, or the service does not run
 */
export async function portOf(stage: Stage, service: string, inside: number): Promise<number> {
  const { NetworkSettings } = (await running(stage, service)) as Published;
  const port = NetworkSettings.Ports[`${inside}/tcp`]?.[0]?.HostPort;
  need(port, why('publishesNot', { service, inside }));
  return Number(port);
}

/**
 * A page, as text.
 * @param ca certificate authority in PEM that is trusted, for https
 * @throws {Unmet} when there is no answer, or one with another status than 200
 */
export async function page(url: string, ca?: string): Promise<string> {
  try {
    const { status, body } = await request(url, { timeout: PATIENCE, ca });
    need(status === 200, why('status', { url, status, text: body.toString('utf8', 0, 120).split('\n')[0] }));
    return body.toString();
  } catch (error) {
    // A connection that breaks off does so with one word or another: to a learner it is the same.
    const isCut = error instanceof HttpError && error.reason === 'network';
    throw new Unmet(isCut ? why('breaksOff', { url }) : reasonOf(error));
  }
}

/**
 * The network namespaces of two services, by their inodes.
 * @throws {Unmet} when they are not the same
 */
export async function sameNetwork(stage: Stage, one: string, other: string): Promise<void> {
  const [a, b] = await Promise.all([one, other].map((service) => netNamespace(stage.project, service)));
  need(a === b, why('apart', { one, a, other, b }));
}

/**
 * Let a service's container crash, and wait until its restart policy has brought it back.
 * @throws {Unmet} when it does not come back
 */
export async function crashAndReturn(stage: Stage, service: string): Promise<void> {
  const before = await container(stage, service);
  await stage.project.crash(service);
  await settled(why('comesBack', { service }), async () => {
    const { State, HostConfig } = await container(stage, service);
    if (State.Status === 'exited' && HostConfig.RestartPolicy.Name === 'no')
      throw new TerminalState('', { cause: new Unmet(why('nobodyStarts', { service })) });
    return State.Running && State.StartedAt !== before.State.StartedAt;
  });
}

/**
 * Wait, in a trial, until a state holds.
 * @param what the awaited state
 * @throws {Unmet} when the deadline passes or the look throws TerminalState, whose cause says why
 */
export async function settled<T>(
  what: Reason,
  look: () => Promise<T>,
  within = COMES_BACK,
): Promise<Exclude<T, undefined | null | false>> {
  try {
    return await eventually(what.in('en'), look, { within, every: 100 });
  } catch (error) {
    const { cause } = error as Error;
    if (error instanceof TerminalState) throw new Unmet(reasonOf(cause ?? error), { cause: error });
    const seconds = within / 1000;
    const reason =
      cause === undefined
        ? why('notWithin', { seconds, what })
        : why('notWithinBut', { seconds, what, seen: reasonOf(cause) });
    throw new Unmet(reason, { cause: error });
  }
}
