/** `webhook`: the admission webhook's manifests. */
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { contract } from '../../servers/webhook/src/contract.ts';
import { buildFolder } from '../bundled/build-folder.ts';
import { imageName } from '../bundled/container-spec.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { Usage, type Command } from '../command/command.ts';
import { NAMESPACE_LABEL, webhookManifests, type WebhookOptions } from './manifests.ts';

const HELP = `Let a Kubernetes cluster put sidecars into pods by itself: manifests of a mutating
admission webhook, for kubectl.

usage: sidecar-stacks webhook [OPTION…] | kubectl apply --filename -

Then a pod asks by annotations (in a Deployment, those of its template)
  sidecar-stacks.dev/inject: tls, topz       or "false" for none at all
  sidecar-stacks.dev/set-tls: PROXY_PORT=8080   parameters, one a line
and a namespace by a label for each sidecar, for all new pods in it
  kubectl label namespace shop ${NAMESPACE_LABEL}topz=true

sidecars: ${Object.keys(SIDECARS).join(', ')}

  --registry PREFIX  where the images of webhook and sidecars are pulled from
                     (without: they are loaded onto each node)
  --namespace NAME   the webhook's own (default: sidecar-stacks)
  --replicas N       of the webhook (default: 2)
  --plain            ordinary containers instead of native sidecars (Kubernetes
                     before 1.29)
  --help

A pod that cannot have a sidecar starts without it, and so does every pod while the
webhook does not answer (failurePolicy Ignore): the first is told by a warning and by
an event. Pods that are older stay as they are.

exit code: 0, 2 for a wrong command line
`;

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const REGISTRY = contract.parameters.WEBHOOK_REGISTRY.pattern;

function readOptions(args: readonly string[]): WebhookOptions {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        registry: { type: 'string', default: '' },
        namespace: { type: 'string', default: 'sidecar-stacks' },
        replicas: { type: 'string', default: '2' },
        plain: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new Usage((error as Error).message);
  }
  const { namespace, replicas, plain } = values;
  const registry = values.registry === '' || values.registry.endsWith('/') ? values.registry : `${values.registry}/`;
  if (registry !== '' && !REGISTRY.test(registry)) throw new Usage('--registry takes HOST[:PORT]/[PATH]');
  if (!NAME.test(namespace)) throw new Usage(`--namespace takes a name of a namespace, not ${namespace}`);
  if (!/^[1-9]\d?$/.test(replicas)) throw new Usage(`--replicas takes 1 to 99, not ${replicas}`);
  return { registry, namespace, replicas: Number(replicas), style: plain ? 'plain' : 'native' };
}

export const webhookCommand: Command = {
  summary: 'let a Kubernetes cluster put sidecars into pods',
  help: () => HELP,
  run(args, context) {
    const options = readOptions(args);
    context.out(
      webhookManifests(options)
        .map((manifest) => stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 0 }))
        .join('---\n'),
    );
    const image = imageName(contract, options.registry);
    const folder = buildFolder('webhook') ?? 'servers/webhook';
    context.err(
      options.registry === ''
        ? `The image ${image} is never pulled: load it onto each node, as those of the sidecars, or name a registry (--registry PREFIX).\n  docker build --tag ${image} ${folder}\n`
        : `The image has to be there, as those of the sidecars:\n  docker build --tag ${image} ${folder}\n  docker push ${image}\n`,
    );
    return 0;
  },
};
