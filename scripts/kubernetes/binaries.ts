/** The control plane that tests may use: its programs, and where they are kept, outside of every clone. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Version of Kubernetes; its own go.mod says which etcd belongs to it. */
export const KUBERNETES = '1.34.1';

export const FOLDER = join(
  process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'),
  'sidecar-stacks',
  `kubernetes-${KUBERNETES}`,
);

/** Go packages of the programs. */
export const PROGRAMS = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
} as const;

export type ProgramName = keyof typeof PROGRAMS;

export const pathOf = (program: ProgramName): string => join(FOLDER, program);

/** Programs that are not built yet. */
export const missingPrograms = (): ProgramName[] =>
  (Object.keys(PROGRAMS) as ProgramName[]).filter((program) => !existsSync(pathOf(program)));
