/** The cluster that a stack is to run on. */
import { isIPv4 } from 'node:net';
import { KUBECONFIG, isUp, NODE } from './cluster.ts';
import { kubectl, type Reach } from './kubectl.ts';

/** A cluster with one node, which is a container of this machine's engine. */
export interface Cluster extends Omit<Reach, 'namespace'> {
  /** The container that its node is. */
  readonly node: string;
}

const HELP =
  'npm run kubernetes -- up starts a cluster of this project; kind and k3d make one too. --context NAME takes a context that is not the current one';

/**
 * The context that is named; else the current one of kubectl, or the project's own cluster where there is none.
 * @throws {Error} for one that does not look local and was not named, and for one whose node is no container here
 */
export async function findCluster(named: string | undefined): Promise<Cluster> {
  const isSet = process.env['KUBECONFIG'] !== undefined || named !== undefined;
  const chosen = isSet ? undefined : await current(undefined);
  if (!isSet && chosen === undefined) {
    if (await isUp()) return { kubeconfig: KUBECONFIG, context: undefined, node: NODE };
    throw new Error(`there is no cluster: kubectl has no current context, and ours is not up. ${HELP}`);
  }
  const context = named ?? (await current(process.env['KUBECONFIG']));
  if (context === undefined) throw new Error(`kubectl has no current context. ${HELP}`);
  const reach = { kubeconfig: undefined, context, namespace: undefined };
  const server = await kubectl(reach, [
    'config',
    'view',
    '--minify',
    '--output=jsonpath={.clusters[0].cluster.server}',
  ]);
  if (named === undefined && !isLocal(server))
    throw new Error(`context ${context} is ${server}, which is not this machine: name it with --context ${context}`);
  const nodes = (await kubectl(reach, ['get', 'nodes', '--output=jsonpath={.items[*].metadata.name}'])).split(' ');
  const [node, ...others] = nodes;
  if (node === undefined || node === '' || others.length > 0)
    throw new Error(`context ${context} has ${nodes.length} nodes: a stack runs on a cluster of one. ${HELP}`);
  // Ours is called otherwise than its container.
  return { kubeconfig: undefined, context, node: node === 'node' ? NODE : node };
}

async function current(kubeconfig: string | undefined): Promise<string | undefined> {
  const reach = { kubeconfig, context: undefined, namespace: undefined };
  return kubectl(reach, ['config', 'current-context']).then(
    (text) => text || undefined,
    () => undefined,
  );
}

/** Whether the URL of an API server leads to this machine. */
export function isLocal(server: string): boolean {
  const { hostname } = new URL(server);
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    (isIPv4(hostname) && hostname.startsWith('127.')) ||
    hostname === '0.0.0.0'
  );
}
