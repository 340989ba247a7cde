/** Optional parts of an export: components of kustomize, each in a folder of its own. */
import { commented, plain } from '../yaml/commented.ts';
import type { ComponentName, File } from './options.ts';
import { monitoring } from './monitoring.ts';
import { networkPolicy } from './network-policy.ts';
import { podSecurity } from './pod-security.ts';
import { gateway, ingress } from './routes.ts';
import { autoscaling, disruption } from './scaling.ts';
import type { Component, Scope } from './component-scope.ts';

const MAKERS = {
  ingress,
  gateway,
  'network-policy': networkPolicy,
  autoscaling,
  disruption,
  monitoring,
  'pod-security': podSecurity,
} satisfies Readonly<Record<ComponentName, (scope: Scope) => Component>>;

/** Every component by its name, in the order in which an overlay lists them. */
export const COMPONENTS = Object.keys(MAKERS) as readonly ComponentName[];

/** Where an overlay finds a component. */
export const folderOf = (name: ComponentName): string => `components/${name}`;

/** @returns the component's files; none when it would be empty */
export function componentFiles(name: ComponentName, scope: Scope): File[] {
  const { objects, patches = [], configMaps = {}, head } = MAKERS[name](scope);
  const maps = Object.entries(configMaps);
  if (objects.length === 0 && maps.length === 0) return [];
  const folder = folderOf(name);
  const yours = (path: string, text: string): File => ({ path: `${folder}/${path}`, text, yours: true, secret: false });
  const kustomization = plain({
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    resources: objects.length > 0 ? [`${name}.yaml`] : undefined,
    patches: patches.length > 0 ? [{ path: 'patches.yaml' }] : undefined,
    configMapGenerator: maps.length > 0 ? maps.map(([map, { path }]) => ({ name: map, files: [path] })) : undefined,
    generatorOptions: maps.length > 0 ? { disableNameSuffixHash: true, labels: { grafana_dashboard: '1' } } : undefined,
  });
  return [
    yours(
      'kustomization.yaml',
      commented([kustomization], `Written once, and yours: remove ${folder} to have it written anew.`),
    ),
    ...(objects.length > 0 ? [yours(`${name}.yaml`, commented(objects, head))] : []),
    ...(patches.length > 0 ? [yours('patches.yaml', commented(patches, 'What objects of the base need for it.'))] : []),
    ...maps.map(([, { path, text }]) => yours(path, text)),
  ];
}
