/** Names with dots by which pods of a stack find one another: in our own cluster, its DNS leads them to the Services. */
import type { Pod } from '../../tools/export/pods.ts';
import { objectName } from '../../tools/export/units.ts';
import { NODE } from './cluster.ts';
import type { Cluster } from './context.ts';
import { Node } from './node.ts';

const FOLDER = '/etc/kubernetes/names.d';

/** Whether a cluster's DNS can be told names. */
export const takesNames = ({ node }: Pick<Cluster, 'node'>): boolean => node === NODE;

/** Tell a run's names, before its pods ask for them. */
export async function addNames(cluster: Cluster, run: string, pods: readonly Pod[]): Promise<void> {
  const names = pods.flatMap(({ aliases }) => aliases.map(({ name }) => name)).filter((name) => name.includes('.'));
  if (names.length === 0 || !takesNames(cluster)) return;
  const lines = names.map((name) => `rewrite name exact ${name} ${objectName(name)}.${run}.svc.cluster.local`);
  await new Node(cluster.node).run(['tee', `${FOLDER}/${run}.conf`], { input: `${lines.join('\n')}\n` });
}

/** Take a run's names back. */
export const removeNames = async (cluster: Cluster, run: string): Promise<void> => {
  if (takesNames(cluster)) await new Node(cluster.node).run(['rm', '-f', `${FOLDER}/${run}.conf`]);
};
