/** Ports that a service publishes. */
import { get, items, text, type Place, type Tree } from '../yaml/tree.ts';

export interface Published {
  /** On the machine; the target's own where the engine chooses one. */
  readonly port: number;
  readonly target: number;
  readonly protocol: 'TCP' | 'UDP';
  /** Published on every address of the machine, or on that of its loopback interface alone. */
  readonly everywhere: boolean;
  readonly at: Place;
}

/** @param tree of the service */
export function publishedBy(tree: Tree): Published[] {
  return items(get(tree, 'ports')).flatMap((item) => {
    const protocol = (value: string | undefined): 'TCP' | 'UDP' => (value?.toLowerCase() === 'udp' ? 'UDP' : 'TCP');
    if (item.kind === 'map') {
      const host = text(get(item, 'host_ip'));
      return pairsOf(text(get(item, 'published')), text(get(item, 'target')) ?? '').map((pair) => ({
        ...pair,
        protocol: protocol(text(get(item, 'protocol'))),
        everywhere: !isLoopback(host),
        at: item.at,
      }));
    }
    const [address, kind] = (text(item) ?? '').split('/');
    const parts = /^(?:(\[[^\]]*\]|\d+(?:\.\d+){3}):)?(?:([\d-]*):)?([\d-]+)$/.exec(address!);
    if (!parts) return [];
    return pairsOf(parts[2], parts[3]!).map((pair) => ({
      ...pair,
      protocol: protocol(kind),
      everywhere: !isLoopback(parts[1]),
      at: item.at,
    }));
  });
}

const isLoopback = (host: string | undefined): boolean => host !== undefined && /^(127\.|\[?::1\]?$)/.test(host);

/** Most ports of a range that are taken. */
const MAX_RANGE = 1000;

function pairsOf(published: string | undefined, target: string): { port: number; target: number }[] {
  const targets = range(target);
  const ports = range(published ?? '');
  return targets.map((each, index) => ({
    target: each,
    port: ports[index] ?? (targets.length === 1 ? ports[0] : undefined) ?? each,
  }));
}

function range(said: string): number[] {
  const [first, last = first] = said.split('-').map(Number);
  if (!(first! > 0) || !(last! >= first!)) return [];
  return Array.from({ length: Math.min(last! - first! + 1, MAX_RANGE) }, (_, index) => first! + index);
}
