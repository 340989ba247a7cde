/** What proxies tell of themselves, asked from within their pods. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Driver } from '../../../scripts/lib/driver.ts';
import { call } from './workload.ts';

/** The replicas of the stack that have a proxy, by the names of their pods. */
export const PROXIES = [
  'front',
  'catalogue-1',
  'catalogue-2',
  'orders',
  'stock',
  'database',
  'client',
  'echo-1',
  'echo-2',
  'echo-3',
] as const;

/** Replicas that have an Envoy in place of our proxy: what envoy.yaml or mixed.yaml says, where it was laid over. */
export const ENVOYS: readonly string[] = envoysOf(process.env['MESH_PROXY']);

function envoysOf(overlay: string | undefined): readonly string[] {
  if (overlay === undefined) return [];
  const { services } = parse(readFileSync(join(import.meta.dirname, `../${overlay}.yaml`), 'utf8'), {
    merge: true,
  }) as {
    services: Readonly<Record<string, unknown>>;
  };
  return PROXIES.filter((name) => Object.hasOwn(services, `${name}-proxy`));
}

/** For an obligation that our proxy alone can meet. @param because what Envoy does not do, a sentence */
export const ours = (because: string) => ({
  unless: (): Promise<string | undefined> =>
    Promise.resolve(ENVOYS.length === 0 ? undefined : `Envoy is the proxy: ${because}`),
});

/** The address of a pod. */
export async function addressOf(project: Driver, name: string): Promise<string> {
  const { NetworkSettings } = await project.inspect(`${name}-pod`);
  return Object.values(NetworkSettings.Networks)[0]!.IPAddress;
}

/** An answer of the proxy of a pod, which a neighbour asks for as Prometheus would. */
export async function askProxy(project: Driver, name: string, port: number, path: string): Promise<string> {
  const [outcome] = await call(project, 'stranger', [{ protocol: 'http/1.1', host: `${name}-pod`, port, path }]);
  assert.ok(outcome!.ok, `${name}-proxy: ${JSON.stringify(outcome)}`);
  return outcome!.text!;
}

/** All samples of a metric of a pod's proxy: labels as they stand, and the value. */
export async function samples(
  project: Driver,
  name: string,
  metricName: string,
): Promise<{ labels: Record<string, string>; value: number }[]> {
  const text = await askProxy(project, name, 15020, '/metrics');
  return text.split('\n').flatMap((line) => {
    const [, found, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (found !== metricName) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text_]) => [key!, text_!] as const);
    return [{ labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/**
 * The sum of a metric's samples with these labels.
 * @throws when the proxy has no such metric at all
 */
export async function metric(
  project: Driver,
  name: string,
  metricName: string,
  wanted: Readonly<Record<string, string>> = {},
): Promise<number> {
  const all = await samples(project, name, metricName);
  const fitting = all.filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value));
  assert.ok(all.length > 0 || Object.keys(wanted).length > 0, `${name} has no metric ${metricName}`);
  return fitting.reduce((total, { value }) => total + value, 0);
}
