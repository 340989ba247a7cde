/** A one-node cluster in a privileged container, for stacks and tests: as kind has it, of programs that are built here. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { docker, EngineError } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { programImage } from '../lib/program-image.ts';
import { FOLDER } from './binaries.ts';
import { writeKeys } from './keys.ts';

/** Its container. */
export const NODE = 'sidecar-stacks-kubernetes';
/** The node's name in the cluster. */
const NODE_NAME = 'node';
/** containerd.toml names it. */
const PAUSE = 'sidecar-stacks/kubernetes-pause:1';
const IMAGE_FOLDER = 'scripts/kubernetes/image';

const OWN = join(FOLDER, 'node');
const KEYS = join(OWN, 'keys');
/** How kubectl reaches it. */
export const KUBECONFIG = join(OWN, 'kubeconfig');

const READY_MS = 240_000;

/** Whether it is up and has answered once. */
export async function isUp(): Promise<boolean> {
  if (!existsSync(KUBECONFIG)) return false;
  return docker(['exec', NODE, 'test', '-e', '/run/ready'], { timeoutMs: 10_000 }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof EngineError && error.reason === 'failed') return false;
      throw error;
    },
  );
}

/**
 * Bring it up, and wait until its node takes pods; nothing happens where it is up.
 * @param say gets a line for each step
 * @throws {EngineError | TerminalState} with the last lines of what ended
 */
export async function up(say: (line: string) => void, signal?: AbortSignal): Promise<void> {
  if (await isUp()) return;
  await down();
  const image = await programImage('kubernetes-node', IMAGE_FOLDER, say);
  await programImage('kubernetes-pause', IMAGE_FOLDER, say, { target: 'pause', tag: PAUSE });
  mkdirSync(OWN, { recursive: true });
  await docker(['save', '--output', join(OWN, 'pause.tar'), PAUSE], { signal });
  const [port] = (await freePorts(1)) as [number];
  await writeKeys(KEYS, KUBECONFIG, port);
  say('Starting a node');
  await docker(
    [
      'run',
      '--detach',
      '--init',
      '--privileged',
      // Its own control groups, so that those of pods are below them.
      '--cgroupns=private',
      '--name',
      NODE,
      '--hostname',
      NODE_NAME,
      `--label=${STACK_LABEL}=kubernetes`,
      // overlay needs a file system that is no overlay itself.
      '--volume=/var/lib/containerd',
      '--volume=/var/lib/etcd',
      '--volume=/var/lib/kubelet',
      `--volume=${FOLDER}:/opt/kubernetes:ro`,
      `--volume=${KEYS}:/etc/kubernetes/keys:ro`,
      `--volume=${join(OWN, 'pause.tar')}:/opt/pause.tar:ro`,
      `--publish=127.0.0.1:${port}:6443`,
      image,
    ],
    { signal },
  );
  say('Waiting until it takes pods');
  await eventually(
    'the node takes pods',
    async () => {
      if ((await docker(['inspect', '--format', '{{.State.Running}}', NODE])) !== 'true')
        throw new TerminalState(await docker(['logs', '--tail', '40', NODE]));
      const nodes = await docker(['exec', NODE, 'bash', '-c', READY]).catch(() => '');
      return nodes === 'True';
    },
    { within: READY_MS, every: 500, ...(signal && { signal }) },
  );
}

const READY = `/opt/kubernetes/kubectl --kubeconfig /etc/kubernetes/keys/admin.conf get node ${NODE_NAME} \
  --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' && test -e /run/ready`;

/** Remove it and everything in it. */
export async function down(): Promise<void> {
  await docker(['rm', '--force', '--volumes', NODE], { timeoutMs: 120_000 }).catch((error: unknown) => {
    if (!(error instanceof EngineError) || !error.stderr.some((line) => line.includes('No such container')))
      throw error;
  });
}
