/** Images of what is injected. */
import { imageName } from './container-spec.ts';

/** Where the builds of sidecars are kept, beside the compose file. */
export const BUILDS = '.sidecar-stacks';

/** The base that a sidecar's Dockerfile names; another one by the environment, where no registry answers. */
const BASE = '${SIDECAR_BASE:-node:26-trixie-slim}';

/** The base as it is, for what runs nothing of a sidecar's. */
export const OWN_IMAGE = { image: BASE } as const;

export function imageOf(contract: { readonly name: string; readonly version: string }): Record<string, unknown> {
  return {
    image: imageName(contract),
    // Built from the folder below, and never asked of a registry, where the name may be anybody's.
    pull_policy: 'never',
    build: { context: `./${BUILDS}/${contract.name}`, args: { SIDECAR_BASE: BASE } },
  };
}
