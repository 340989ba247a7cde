/** Faults on containers of our own: each shows, and is taken back to exactly what was. */
import { randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { STACK_LABEL } from '../../scripts/lib/labels.ts';
import type { Container } from './containers.ts';
import type { FaultKind } from './document.ts';
import { Faults } from './faults.ts';
import { fromContainer, fromProc } from './namespaces.ts';

const prefix = `faults-${randomBytes(3).toString('hex')}`;
const IMAGE = process.env['DEBIAN_BASE'] ?? 'sidecar-stacks/debian:trixie';
const LABEL = `${STACK_LABEL}=workshop`;
const WAIT = { within: 240_000, every: 100 };

const inspect = async (name: string): Promise<Container> =>
  (JSON.parse(await docker(['inspect', name])) as Container[])[0]!;

async function start(name: string, ...args: string[]): Promise<Container> {
  const full = `${prefix}-${name}`;
  await docker(['run', '--detach', '--init', '--name', full, '--label', LABEL, ...args, IMAGE, 'sleep', 'infinity']);
  return inspect(full);
}

/** Make a fault, wait until it shows, then until it is taken back. */
async function suffer(
  kind: FaultKind,
  container: Container,
  all: readonly Container[],
  limits: Map<string, number>,
  shows: () => Promise<boolean>,
): Promise<void> {
  let changes = 0;
  const faults = new Faults(() => (changes += 1));
  await faults.make(kind, container, all, limits);
  assert.ok(changes >= 1);
  await assertRejects(faults.make(kind, container, all, limits));
  await eventually(`${kind} shows`, shows, WAIT);
  await eventually(`${kind} is over`, () => faults.on.size === 0, WAIT);
  await eventually(`${kind} is undone`, async () => !(await shows()), WAIT);
}

async function assertRejects(work: Promise<void>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  assert.match(error?.message ?? '', /has a fault already/);
}

test('slow, fill and kill, side by side', async () => {
  const volume = `${prefix}-disk`;
  const size = ['--driver', 'local', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=256k'];
  await docker(['volume', 'create', '--label', LABEL, ...size, volume]);
  const [free, bounded, disk, pod] = await Promise.all([
    start('free'),
    start('bounded', '--cpus', '0.5'),
    start('disk', '--volume', `${volume}:/data`),
    start('pod'),
  ]);
  const app = await start('app', '--network', `container:${pod.Id}`);
  const limits = new Map([[volume, 256 * 1024]]);
  const quota = async (id: string) => (await inspect(id)).HostConfig;
  const freeBlocks = async (): Promise<number> =>
    Number((await docker(['exec', disk.Id, 'stat', '--file-system', '--format', '%f', '/data'])).trim());
  await Promise.all([
    suffer('slow', free, [], limits, async () => (await quota(free.Id)).CpuQuota > 0),
    suffer('slow', bounded, [], limits, async () => (await quota(bounded.Id)).NanoCpus !== 5e8),
    suffer('fill', disk, [], limits, async () => (await freeBlocks()) === 0),
    suffer('kill', pod, [pod, app], limits, async () => !(await inspect(pod.Id)).State.Running),
  ]);
  await eventually(
    'who had joined it is in its network again',
    async () => {
      const both = [await inspect(pod.Id), await inspect(app.Id)];
      const namespaces = await fromContainer(both);
      const [a, b] = both.map(({ Id }) => namespaces.get(Id)?.net);
      return a !== undefined && a === b;
    },
    WAIT,
  );
  // Both ways to read the kernel's inodes agree, where the first works at all.
  const both = [await inspect(pod.Id), await inspect(app.Id)];
  const near = await fromProc(both);
  const far = await fromContainer(both);
  for (const [id, found] of near) assert.equal(far.get(id), found);
});

test('a container crashes: its restart policy starts it; containers in its network are stranded', async () => {
  const owner = await start('owner', '--restart', 'unless-stopped');
  const joiner = await start('joiner', '--network', `container:${owner.Id}`);
  const faults = new Faults(() => {});
  await faults.make('kill', owner, [owner, joiner], new Map());
  await eventually('the fault is over', () => faults.on.size === 0, WAIT);
  await eventually(
    'the engine itself has started it again',
    async () => {
      const { RestartCount, State } = await inspect(owner.Id);
      return RestartCount === 1 && State.Running;
    },
    WAIT,
  );
  const both = [await inspect(owner.Id), await inspect(joiner.Id)];
  assert.is(both[1]!.State.StartedAt, joiner.State.StartedAt, 'the joiner was not touched');
  const namespaces = await fromContainer(both);
  const [a, b] = both.map(({ Id }) => namespaces.get(Id)?.net);
  assert.ok(a !== undefined && b !== undefined && a !== b, `${a}, ${b}`);
});

test.after(async () => {
  const names = ['free', 'bounded', 'disk', 'pod', 'app', 'owner', 'joiner'].map((name) => `${prefix}-${name}`);
  await docker(['rm', '--force', ...names]).catch(() => {});
  await docker(['volume', 'rm', '--force', `${prefix}-disk`]).catch(() => {});
});

test.run();
