/** Images of what is injected. */
import { imageName } from '../bundled/container-spec.ts';

/** Where the builds of sidecars are kept, beside the compose file. */
export const BUILDS = '.sidecar-stacks';

/** The base that a sidecar's Dockerfile names; another one by the environment, where no registry answers. */
const BASE = '${SIDECAR_BASE:-node:26-trixie-slim}';

/** The base as it is, for what runs nothing of a sidecar's. */
export const OWN_IMAGE = { image: BASE } as const;

/**
 * The image of a service that runs a sidecar. It is the service's alone: compose puts the names of project and service
 * into what it builds, so a name that others build too would be another image after each of their builds, and a second
 * `up` would replace the container. A project's name has no dot.
 */
export function imageOf(
  contract: { readonly name: string; readonly version: string },
  service: string,
): Record<string, unknown> {
  return {
    image: `${imageName(contract)}-\${COMPOSE_PROJECT_NAME}.${service}`,
    // Built from the folder below, and never asked of a registry, where the name may be anybody's.
    pull_policy: 'never',
    build: { context: `./${BUILDS}/${contract.name}`, args: { SIDECAR_BASE: BASE } },
  };
}

/** The sidecar that a written service runs; undefined for any other. */
export function builtBy({ build }: Record<string, unknown>): string | undefined {
  const { context = '' } = (build ?? {}) as { context?: string };
  return context.startsWith(`./${BUILDS}/`) ? context.slice(BUILDS.length + 3) : undefined;
}
