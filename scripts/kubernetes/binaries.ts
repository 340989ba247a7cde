/** The control plane that tests may use: its programs, and where they are kept, outside of every clone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT } from '../lib/go-program.ts';

/** Version of Kubernetes; its own go.mod says which etcd belongs to it. */
export const KUBERNETES = '1.34.1';

export const FOLDER = join(BUILT, `kubernetes-${KUBERNETES}`);

/** Go packages of the programs. */
export const PROGRAMS = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  /** A module of its own. */
  coredns: 'github.com/coredns/coredns@v1.12.4',
} as const;

export type ProgramName = keyof typeof PROGRAMS;

export const pathOf = (program: ProgramName): string => join(FOLDER, program);

/** What an API server alone needs. */
export const API_SERVER: readonly ProgramName[] = ['etcd', 'kube-apiserver'];

/** Those of some programs that are not built yet; of all without `of`. */
export const missingPrograms = (of = Object.keys(PROGRAMS) as readonly ProgramName[]): ProgramName[] =>
  of.filter((program) => !existsSync(pathOf(program)));
