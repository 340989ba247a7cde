/** What proxies tell of themselves, asked from within their pods. */
import * as assert from 'uvu/assert';
import type { Project } from '../../scripts/lib/compose.ts';

/** As many are in the stack. */
export const PROXIES = 10;

/** The address of a pod. */
export async function addressOf(project: Project, name: string): Promise<string> {
  const { NetworkSettings } = await project.inspect(`${name}-pod`);
  return Object.values(NetworkSettings.Networks)[0]!.IPAddress;
}

/** An answer of the proxy of a pod. */
export async function askProxy(project: Project, name: string, port: number, path: string): Promise<string> {
  const script = `fetch('http://127.0.0.1:${port}${path}').then(async (r) => { if (!r.ok) throw new Error(r.status); process.stdout.write(await r.text()); })`;
  return project.exec(`${name}-proxy`, ['node', '-e', script], { timeoutMs: 60_000 });
}

/** All samples of a metric of a pod's proxy: labels as they stand, and the value. */
export async function samples(
  project: Project,
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
  project: Project,
  name: string,
  metricName: string,
  wanted: Readonly<Record<string, string>> = {},
): Promise<number> {
  const all = await samples(project, name, metricName);
  const fitting = all.filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value));
  assert.ok(all.length > 0 || Object.keys(wanted).length > 0, `${name} has no metric ${metricName}`);
  return fitting.reduce((total, { value }) => total + value, 0);
}
