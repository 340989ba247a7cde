/** Looks from inside the stack's containers. */
import type { Project } from '../../scripts/lib/compose.ts';
import { EngineError } from '../../scripts/lib/engine.ts';

/** The network namespace that a service's processes live in, as the kernel names it. */
export const netNamespace = (project: Project, service: string): Promise<string> =>
  project.exec(service, ['readlink', '/proc/self/ns/net']);

/** True when a sidecar's /readyz answers 200. */
export async function ready(project: Project, service: string): Promise<boolean> {
  try {
    await project.exec(service, ['/sidecar/healthcheck', '/readyz']);
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.exitCode === 1) return false;
    throw error;
  }
}

/**
 * One sample of a sidecar's metrics.
 * @param sample name with labels, as in the text format
 * @returns its value, 0 when it was never set
 */
export async function metric(project: Project, service: string, sample: string): Promise<number> {
  const text = await project.exec(service, [
    'bash',
    '-c',
    'exec 3<>/dev/tcp/127.0.0.1/$ADMIN_PORT; printf "GET /metrics HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3',
  ]);
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}
