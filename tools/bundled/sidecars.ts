/** The sidecars that the package carries, and what each needs of the pod it joins. */
import type { Contract, Deployment } from '#kit/contract/contract.ts';
import { contract as adapter } from '../../sidecars/adapter/src/contract.ts';
import { contract as ambassador } from '../../sidecars/ambassador/src/contract.ts';
import { contract as auth } from '../../sidecars/auth/src/contract.ts';
import { contract as cache } from '../../sidecars/cache/src/contract.ts';
import { contract as configSync } from '../../sidecars/config-sync/src/contract.ts';
import { contract as gitSync } from '../../sidecars/git-sync/src/contract.ts';
import { contract as logShipper } from '../../sidecars/log-shipper/src/contract.ts';
import { contract as meshProxy } from '../../sidecars/mesh-proxy/src/contract.ts';
import { contract as probe } from '../../sidecars/probe/src/contract.ts';
import { contract as tls } from '../../sidecars/tls/src/contract.ts';
import { contract as topz } from '../../sidecars/topz/src/contract.ts';

export interface BundledSidecar extends Deployment {
  readonly contract: Contract;
}

const bundled = (contract: unknown): BundledSidecar => ({
  ...(contract as Contract).deploy,
  contract: contract as Contract,
});

/** By name. */
export const SIDECARS: Readonly<Record<string, BundledSidecar>> = {
  adapter: bundled(adapter),
  ambassador: bundled(ambassador),
  auth: bundled(auth),
  cache: bundled(cache),
  tls: bundled(tls),
  'config-sync': bundled(configSync),
  'git-sync': bundled(gitSync),
  'log-shipper': bundled(logShipper),
  probe: bundled(probe),
  topz: bundled(topz),
};

/** What joins a pod for a mesh: it comes with a control plane, and not by itself. */
export const MESH_PROXY: BundledSidecar = bundled(meshProxy);
