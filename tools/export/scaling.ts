/** How many replicas there are, and how many of them a drain may take at one time. */
import type { Component, Loose, Scope } from './component-scope.ts';
import { noted } from '../yaml/commented.ts';

interface Workload {
  readonly spec: {
    readonly replicas: number;
    readonly selector: unknown;
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

interface Container {
  readonly name: string;
  readonly resources?: { readonly requests?: { readonly cpu?: string } };
}

const workload = (object: Loose): Workload => object as unknown as Workload;
const reference = ({ apiVersion, kind, metadata }: Loose) => ({ apiVersion, kind, name: metadata.name });
/** What a container without a wish is taken to need. */
const CPU = '100m';
const UTILISATION = 80;
/** Replicas at most, for each one that the project has. */
const GROWTH = 3;

/** Source: kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale (container resource metrics) */
export function autoscaling({ objects }: Scope): Component {
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  // The application alone: a sidecar's share says little of the load.
  const [apps, needy] = [new Map<Loose, Container>(), new Map<Loose, Container>()];
  for (const each of deployments) {
    const app = workload(each).spec.template.spec.containers[0]!;
    apps.set(each, app);
    if (app.resources?.requests?.cpu === undefined) needy.set(each, app);
  }
  return {
    objects: deployments.map((each) => ({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: each.metadata.name, labels: each.metadata.labels },
      spec: {
        scaleTargetRef: reference(each),
        minReplicas: Math.max(1, workload(each).spec.replicas),
        maxReplicas: Math.max(1, workload(each).spec.replicas) * GROWTH,
        metrics: [
          {
            type: 'ContainerResource',
            containerResource: {
              name: 'cpu',
              container: apps.get(each)!.name,
              target: { type: 'Utilization', averageUtilization: UTILISATION },
            },
          },
        ],
      },
    })),
    patches: [...needy].map(([{ apiVersion, kind, metadata }, { name }]) => ({
      apiVersion,
      kind,
      metadata: { name: metadata.name },
      spec: {
        template: {
          spec: { containers: [{ name, resources: { requests: { cpu: noted(CPU, 'measure it, and say so here') } } }] },
        },
      },
    })),
    head: "A stub: each Deployment grows to three times its replicas when its application takes more than 80 % of the CPU that\nit requests. Take these Deployments out of the overlay's `replicas`, which would set them back at each apply.",
  };
}

/** Source: kubernetes.io/docs/tasks/run-application/configure-pdb */
export function disruption({ objects }: Scope): Component {
  return {
    objects: objects
      .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
      .map((each) => ({
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: each.metadata.name, labels: each.metadata.labels },
        spec: { maxUnavailable: 1, selector: workload(each).spec.selector },
      })),
    head: 'A drained node takes one replica of each workload at a time. A workload with one replica is away until it runs\nelsewhere: give it a second one in the overlay.',
  };
}
