/** The sidecars that the package carries, and what each needs of the pod it joins. */
import type { Contract } from '#kit/contract/contract.ts';
import { contract as adapter } from '../../sidecars/adapter/src/contract.ts';
import { contract as cache } from '../../sidecars/cache/src/contract.ts';
import { contract as configSync } from '../../sidecars/config-sync/src/contract.ts';
import { contract as gitSync } from '../../sidecars/git-sync/src/contract.ts';
import { contract as logShipper } from '../../sidecars/log-shipper/src/contract.ts';
import { contract as probe } from '../../sidecars/probe/src/contract.ts';
import { contract as tls } from '../../sidecars/tls/src/contract.ts';
import { contract as topz } from '../../sidecars/topz/src/contract.ts';

export interface CarriedSidecar {
  readonly contract: Contract;
  /** The parameter that gets the application's port, where the sidecar speaks to one. */
  readonly appPort?: string;
  /** It has to see the application's processes. */
  readonly sharesProcesses?: boolean;
  /** Volumes of its own, by purpose: what a restart must not lose. */
  readonly volumes?: Readonly<Record<string, string>>;
  readonly tmpfs?: readonly string[];
  readonly memory: string;
  readonly processes: number;
}

/** By name. */
export const SIDECARS: Readonly<Record<string, CarriedSidecar>> = {
  adapter: { contract: adapter as unknown as Contract, appPort: 'ADAPTER_PORT', memory: '192m', processes: 64 },
  cache: { contract: cache as unknown as Contract, appPort: 'PROXY_PORT', memory: '256m', processes: 64 },
  tls: {
    contract: tls as unknown as Contract,
    appPort: 'PROXY_PORT',
    volumes: { state: '/var/lib/tls' },
    memory: '256m',
    processes: 64,
  },
  'config-sync': {
    contract: configSync as unknown as Contract,
    volumes: { state: '/var/lib/config-sync' },
    sharesProcesses: true,
    memory: '128m',
    processes: 64,
  },
  'git-sync': {
    contract: gitSync as unknown as Contract,
    sharesProcesses: true,
    tmpfs: ['/tmp'],
    memory: '512m',
    processes: 256,
  },
  'log-shipper': {
    contract: logShipper as unknown as Contract,
    volumes: { state: '/var/lib/log-shipper' },
    memory: '256m',
    processes: 64,
  },
  probe: { contract: probe as unknown as Contract, sharesProcesses: true, memory: '128m', processes: 64 },
  topz: { contract: topz as unknown as Contract, sharesProcesses: true, memory: '128m', processes: 64 },
};
