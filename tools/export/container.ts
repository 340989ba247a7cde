/** A service as a container of a pod. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { pairs } from '../compose/facts.ts';
import { isFile, type Project, type Service } from '../compose/project.ts';
import { from } from '../yaml/commented.ts';
import { get, isTrue, items, text, texts, type Place, type Tree } from '../yaml/tree.ts';
import { lifecycleOf } from './hooks.ts';
import { imageOf, type ImageChoice } from './images.ts';
import { probesOf, type Probes, type Style } from './probes.ts';
import type { Findings } from './problems.ts';
import { groupOf, securityContext } from './security.ts';
import { words } from '../compose/values.ts';
import { literally, objectName, quantity } from './units.ts';

/** What a container is in its pod. */
export type Part = 'init' | 'sidecar' | 'app';

export interface ContainerOptions {
  readonly project: Project;
  /** Paths of places are relative to it. */
  readonly base: string;
  readonly style: Style;
  readonly mounts: readonly Record<string, unknown>[];
  readonly liveness: Record<string, unknown> | undefined;
  readonly registry: string | undefined;
  readonly images: ImageChoice;
  readonly findings: Findings;
}

/** @returns the container; undefined values are left out where it is written */
export function containerOf(service: Service, part: Part, options: ContainerOptions): Record<string, unknown> {
  const { findings, mounts, style, liveness } = options;
  const { tree } = service;
  requireKnown(service, findings);
  const image = imageOf(service, options.images, findings);
  const probes: Probes = part === 'init' ? {} : probesOf(service, options.base, style);
  const workingDir = get(tree, 'working_dir');
  return from(
    {
      name: objectName(service.name),
      image: from(image.reference, get(tree, 'image')?.at),
      imagePullPolicy: image.pulled || options.registry !== undefined ? 'IfNotPresent' : 'Never',
      ...(part === 'sidecar' && style === 'native' && { restartPolicy: 'Always' }),
      command: wordsOf(get(tree, 'entrypoint')),
      args: wordsOf(get(tree, 'command')),
      workingDir: from(text(workingDir), workingDir?.at),
      env: environmentOf(service, options),
      ...probes,
      lifecycle: part === 'init' ? undefined : lifecycleOf(service, findings),
      ...(liveness && part !== 'init' && { livenessProbe: liveness }),
      resources: resourcesOf(tree),
      securityContext: securityContext(service, options.base, findings),
      ...(isTrue(get(tree, 'stdin_open')) && { stdin: true }),
      ...(isTrue(get(tree, 'tty')) && { tty: true }),
      ...(mounts.length > 0 && { volumeMounts: mounts }),
    },
    service.at,
  );
}

function wordsOf(said: Tree | undefined): string[] | undefined {
  const list = said?.kind === 'seq' ? texts(said) : words(text(said) ?? '');
  return list.length === 0 ? undefined : from(list.map(literally), said!.at);
}

/** The environment of a service: that of its env_files under its own. */
export function variablesOf(
  service: Service,
  base: string,
  findings: Findings,
): Map<string, { text: string; at: Place }> {
  const { tree, name } = service;
  const all = new Map<string, { text: string; at: Place }>();
  const files = get(tree, 'env_file');
  for (const item of files?.kind === 'seq' ? files.items : files ? [files] : []) {
    const path = text(item) ?? text(get(item, 'path'));
    if (path === undefined) continue;
    const file = resolve(dirname(resolve(base, item.at.file)), path);
    if (isFile(file)) {
      for (const [key, value] of Object.entries(parseDotenv(readFileSync(file))))
        all.set(key, { text: value, at: item.at });
    } else if (text(get(item, 'required')) !== 'false')
      findings.refuse('env-file', item.at, `service ${name} reads ${path}, which is not there`);
  }
  for (const [key, said] of pairs(get(tree, 'environment'))) all.set(key, said);
  return all;
}

function environmentOf(service: Service, { base, findings, project }: ContainerOptions): unknown[] | undefined {
  const declared = get(service.tree, 'environment');
  const list = [...variablesOf(service, base, findings)].map(([name, said]) => {
    // Without a value it is the caller's.
    const entry = declared?.kind === 'map' ? get(declared, name) : undefined;
    const handed = entry?.kind === 'scalar' && entry.value === null ? project.environment[name] : undefined;
    return from({ name, value: literally(handed ?? said.text) }, said.at);
  });
  return list.length === 0 ? undefined : list;
}

function resourcesOf(tree: Tree): Record<string, unknown> | undefined {
  const deploy = get(tree, 'deploy', 'resources');
  const memory = get(tree, 'mem_limit') ?? get(deploy, 'limits', 'memory');
  const cpu = get(tree, 'cpus') ?? get(deploy, 'limits', 'cpus');
  const least = get(tree, 'mem_reservation') ?? get(deploy, 'reservations', 'memory');
  const part = get(deploy, 'reservations', 'cpus');
  const some = (entries: Record<string, unknown>): Record<string, unknown> | undefined =>
    Object.values(entries).every((each) => each === undefined) ? undefined : entries;
  return some({
    limits: some({
      cpu: from(cpu && cpus(text(cpu)), cpu?.at),
      memory: from(memory && quantity(text(memory)), memory?.at),
    }),
    requests: some({
      cpu: from(part && cpus(text(part)), part?.at),
      memory: from(least && quantity(text(least)), least?.at),
    }),
  });
}

/** `0.5` is `500m`. */
const cpus = (said: string | undefined): string | undefined => {
  const number = Number(said);
  if (!(number > 0)) return undefined;
  return Number.isInteger(number) ? String(number) : `${Math.round(number * 1000)}m`;
};

/** Groups that a service's processes are in beside their own. */
export const groupsOf = ({ tree }: Service): number[] =>
  texts(get(tree, 'group_add')).flatMap((said) => groupOf(said) ?? []);

/** Keys that this export reads, and those that say nothing to a cluster. */
const READ = new Set(
  `annotations build cap_add cap_drop command configs container_name cpus depends_on deploy dns dns_opt dns_search
  entrypoint env_file environment expose extends extra_hosts group_add healthcheck hostname image init ipc labels
  mem_limit mem_reservation network_mode networks pid pids_limit platform ports post_start pre_start pre_stop privileged profiles pull_policy read_only
  restart scale secrets security_opt shm_size stdin_open stop_grace_period sysctls tmpfs tty user userns_mode volumes
  volumes_from working_dir`.split(/\s+/),
);
/** What each is instead in a cluster. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  logging: 'a cluster collects what containers write to their output by itself',
  links: 'a Service has one name for everybody',
  external_links: 'a Service has one name for everybody',
  mac_address: "a pod's address is the cluster's",
  stop_signal: "the image's STOPSIGNAL is used",
  ulimits: "a node's setting",
  oom_score_adj: 'it follows from requests and limits',
  memswap_limit: 'a node says whether there is swap',
  mem_swappiness: 'a node says whether there is swap',
  develop: 'it is for the machine of a developer',
  attach: 'it is for the machine of a developer',
  cpu_shares: 'say deploy.resources.reservations.cpus',
  isolation: 'a RuntimeClass says it',
  runtime: 'a RuntimeClass says it',
};

function requireKnown({ name, tree }: Service, findings: Findings): void {
  if (tree.kind !== 'map') return;
  for (const [key, { at }] of tree.entries)
    if (key === 'devices' || key === 'device_cgroup_rules' || key === 'gpus')
      findings.refuse(
        'devices',
        at,
        `service ${name} uses devices of this machine: ask for them as a resource of a device plugin`,
      );
    else if (!READ.has(key) && !key.startsWith('x-'))
      findings.warn(
        'no-counterpart',
        at,
        `${key} of ${name} is left out${ELSEWHERE[key] ? `: ${ELSEWHERE[key]}` : ''}`,
      );
  if (isTrue(get(tree, 'init')))
    findings.warn(
      'init',
      get(tree, 'init')!.at,
      'init: true has no counterpart: a container whose first process ignores SIGTERM is killed at the end of its grace period; a shared process namespace has one that reaps',
    );
  const pids = get(tree, 'pids_limit') ?? get(tree, 'deploy', 'resources', 'limits', 'pids');
  if (pids !== undefined)
    findings.warn('pids-limit', pids.at, "pids_limit is a setting of the cluster: the kubelet's podPidsLimit");
  for (const item of items(get(tree, 'security_opt')))
    if (/^(apparmor|label)[:=]/.test(text(item) ?? ''))
      findings.warn('security-opt', item.at, `${text(item)} of ${name} is a setting of the node, and left out`);
}
