/** An ephemeral container with tools in a pod that runs: what kubectl is told. */
import { Usage } from '../command/command.ts';

export interface DebugRequest {
  readonly pod: string;
  readonly namespace: string | undefined;
  readonly context: string | undefined;
  /** The container whose processes are seen; the pod's first where undefined. */
  readonly container: string | undefined;
  readonly image: string;
  /** For a namespace that enforces `restricted`: no capabilities, and no root. */
  readonly restricted: boolean;
  readonly command: readonly string[];
  readonly terminal: boolean;
}

/** strace, other users' processes, the names behind sockets, packets: as the tools need them on an engine. */
export const CAPABILITIES = ['SYS_PTRACE', 'KILL', 'DAC_READ_SEARCH', 'NET_RAW', 'SETUID', 'SETGID'];
/** RFC 1123's subdomain: what objects are called. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** @throws {Usage} for a text that names no pod */
export function podNamed(text: string): string {
  const [, name] = /^(?:pods?|po)\/(.*)$/.exec(text) ?? [];
  if (name === undefined || !NAME.test(name))
    throw new Usage(`debug takes a container or pod/NAME, not ${JSON.stringify(text)}`);
  return name;
}

/** What is laid over the container that kubectl writes. */
export const containerSettings = ({ image, restricted }: Pick<DebugRequest, 'image' | 'restricted'>) => ({
  // Without a registry the name is nobody's in particular.
  imagePullPolicy: image.startsWith('sidecar-stacks/') ? 'Never' : 'IfNotPresent',
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: restricted ? { drop: ['ALL'] } : { drop: ['ALL'], add: CAPABILITIES },
    ...(restricted ? { runAsNonRoot: true, runAsUser: 65_532 } : { runAsUser: 0, runAsNonRoot: false }),
    seccompProfile: { type: 'RuntimeDefault' },
  },
});

/**
 * Arguments of kubectl.
 * @param name of the ephemeral container; a pod keeps it for ever, so each needs its own
 * @param first the pod's first container
 * @param settings a file with `containerSettings`
 */
export function debugArguments(request: DebugRequest, name: string, first: string, settings: string): string[] {
  const { pod, image, container = first, command, terminal } = request;
  return [
    'debug',
    ...whereabouts(request),
    `pod/${pod}`,
    '--quiet',
    `--container=${name}`,
    `--image=${image}`,
    `--target=${container}`,
    `--profile=${request.restricted ? 'restricted' : 'general'}`,
    `--custom=${settings}`,
    ...(command.length > 0 ? ['--attach'] : terminal ? ['--stdin', '--tty'] : ['--stdin']),
    '--',
    ...(command.length > 0 ? command : ['bash']),
  ];
}

/** Flags that name cluster and namespace. */
export const whereabouts = ({ namespace, context }: Pick<DebugRequest, 'namespace' | 'context'>): string[] => [
  ...(context === undefined ? [] : [`--context=${context}`]),
  ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
];
