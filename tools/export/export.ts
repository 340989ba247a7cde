/** A compose project as Kubernetes manifests: which objects, in which files, and what there is to say. */
import { interpolate, type Environment } from '../compose/interpolate.ts';
import { loadProject } from '../compose/project.ts';
import { noted } from '../yaml/commented.ts';
import { objectOf } from './configuration.ts';
import { stepsOf } from './hooks.ts';
import { imageOf, type Image, type ImageChoice } from './images.ts';
import { filesOf } from './files.ts';
import { podsOf, type Pod } from './pods.ts';
import { Findings, type Finding } from './problems.ts';
import type { ExportOptions, File, Placed } from './options.ts';
import { requirePossible } from './refusals.ts';
import { objectName } from './units.ts';
import { volumesOf } from './volumes.ts';
import { claimSpec, kindOf, servicesOf, sharedNamesOf, sharedServicesOf, workloadOf } from './workload.ts';

export interface Exported {
  /** What there is to write; paths are relative to the folder that it is written to. */
  readonly files: readonly File[];
  readonly findings: readonly Finding[];
  readonly pods: readonly Pod[];
  readonly images: readonly Image[];
}

/**
 * Export a project.
 * @param files its compose files, later ones over earlier ones
 */
export function exportProject(files: readonly string[], options: ExportOptions): Exported {
  const { base, environment, profiles, envFiles, style, bare } = options;
  const project = loadProject(files, {
    base,
    environment,
    ...(envFiles && { envFiles }),
    profiles: profiles ?? profilesOf(files, base, environment, envFiles),
  });
  const findings = new Findings();
  for (const { at, message } of project.problems) findings.refuse('unreadable', at, message);
  for (const { at, path } of project.remote)
    findings.refuse(
      'remote-include',
      at,
      `includes ${path}, whose services would be missing: docker compose config > whole.yaml writes all of them into one file to export`,
    );
  const pods = inOrder(podsOf(project, findings));
  requirePossible(project, pods, findings);
  const volumes = volumesOf(project, pods, findings, options.hostPaths);
  const partOf = objectName(project.name);
  const { tag, allowFloating, digests } = options;
  const choice = { project: partOf, tag, allowFloating, digests };
  const labels = { 'app.kubernetes.io/part-of': partOf };
  const placed: Placed[] = [...volumes.bundles.values()].map((each) => ({
    file: each.kind === 'Secret' ? 'secrets.yaml' : 'configuration.yaml',
    object: objectOf(each, labels),
  }));
  const templated = new Set(pods.filter((pod) => kindOf(pod, volumes, bare) === 'StatefulSet').map(({ name }) => name));
  for (const [name, claim] of volumes.claims) {
    const [only] = claim.pods;
    if (claim.external || (claim.pods.size === 1 && templated.has(only!))) continue;
    const shared = claim.pods.size > 1;
    placed.push({
      file: 'volumes.yaml',
      object: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: claim.name, labels },
        spec: noted(
          claimSpec(shared ? 'ReadWriteMany' : 'ReadWriteOnce', claim.size),
          shared ? `${place(claim.at, name)}, of ${[...claim.pods].join(' and ')}` : place(claim.at, name),
        ),
      },
    });
    if (shared && claim.at)
      findings.warn(
        'shared-volume',
        claim.at,
        `volume ${name} is mounted by ${[...claim.pods].join(', ')}: it needs a storage class with ReadWriteMany, or all of them on one node and ReadWriteOnce`,
      );
  }
  const shared = sharedNamesOf(pods);
  for (const object of sharedServicesOf(shared, partOf)) placed.push({ file: 'names.yaml', object });
  for (const pod of pods) {
    const workload = workloadOf(pod, {
      project,
      base,
      registry: options.registry,
      images: choice,
      style,
      bare,
      partOf,
      volumes,
      shared,
      findings,
    });
    for (const object of [...servicesOf(pod, partOf, shared), workload])
      placed.push({ file: `${pod.name}.yaml`, object });
  }
  const images = imagesOf(pods, choice);
  return {
    files: filesOf(placed, {
      pods,
      images,
      options,
      partOf,
      source: project.source,
      volumes,
      networks: project.resources.networks,
    }),
    findings: findings.all,
    pods,
    images,
  };
}

const place = (at: { file: string; line: number } | undefined, name: string): string =>
  at ? `${at.file}:${at.line}` : `volume ${name}`;

/** Compose takes its profiles from a variable, which an `.env` may hold. */
function profilesOf(
  files: readonly string[],
  base: string,
  environment: Environment,
  envFiles: readonly string[] | undefined,
): string[] {
  const { environment: known } = loadProject(files, { base, environment, ...(envFiles && { envFiles }) });
  return interpolate(known['COMPOSE_PROFILES'] ?? '', known)
    .split(',')
    .filter((name) => name !== '');
}

/** Each after those that it waits for in compose. */
function inOrder(pods: readonly Pod[]): Pod[] {
  const left = [...pods];
  const done: Pod[] = [];
  while (left.length > 0) {
    const next = left.findIndex(
      ({ name, after }) => !left.some((other) => other.name !== name && after.includes(other.name)),
    );
    done.push(...left.splice(Math.max(next, 0), 1));
  }
  return done;
}

function imagesOf(pods: readonly Pod[], choice: ImageChoice): Image[] {
  const silent = new Findings();
  const all = pods.flatMap(({ before, apps }) =>
    [...before, ...apps].flatMap((each) => [...stepsOf(each), each]).map((each) => imageOf(each, choice, silent)),
  );
  return all
    .filter((each, index) => all.findIndex(({ reference }) => reference === each.reference) === index)
    .toSorted((a, b) => (a.reference < b.reference ? -1 : 1));
}
