/** Whether a service can become a pod. */
import type { Project, Service } from '../compose/project.ts';
import { get, isTrue, text } from '../yaml/tree.ts';
import { Refusal } from '../bundled/refusal.ts';

/**
 * @throws {Refusal} with the reason and what to do
 */
export function requireEligible(project: Project, name: string): Service {
  const service = project.services.get(name);
  if (!service)
    throw new Refusal(
      'no-such-service',
      `there is no service ${name}; there are ${[...project.services.keys()].join(', ') || 'none'}`,
    );
  const { tree } = service;
  const refuse = (reason: string, message: string): never => {
    throw new Refusal(reason, `service ${name} ${message}`);
  };
  if (get(tree, 'provider') !== undefined)
    refuse('provider', 'is run by a provider, not by the engine: there is no container to put a sidecar beside');
  const mode = text(get(tree, 'network_mode'));
  if (mode === 'host' || mode === 'none')
    refuse(
      `network-mode-${mode}`,
      `has network_mode: ${mode}; there is no network of its own that a sidecar could join`,
    );
  if (mode?.startsWith('container:'))
    refuse('network-mode-container', `joins a container of elsewhere (${mode}): put the sidecar beside that one`);
  if (mode?.startsWith('service:'))
    refuse('joins-another', `shares the network of ${mode.slice(8)}: inject into ${mode.slice(8)} instead`);
  if (text(get(tree, 'labels', 'dev.sidecar-stacks.inject')) === 'false' || refusedByLabel(service))
    refuse('label', 'says dev.sidecar-stacks.inject: "false"');
  if (isTrue(get(tree, 'use_api_socket')))
    refuse('api-socket', 'is given the engine by compose (use_api_socket), which cannot be handed on to a pod');
  return service;
}

function refusedByLabel({ tree }: Service): boolean {
  return injectLabel(tree) === 'false';
}

/** The value of the label by which a service asks for sidecars, or refuses them. */
export function injectLabel(tree: Service['tree']): string | undefined {
  const labels = get(tree, 'labels');
  if (labels?.kind === 'map') return text(labels.entries.get('dev.sidecar-stacks.inject'));
  if (labels?.kind !== 'seq') return undefined;
  const line = labels.items.map((item) => text(item)).find((item) => item?.startsWith('dev.sidecar-stacks.inject='));
  return line?.slice(line.indexOf('=') + 1);
}
