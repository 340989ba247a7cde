/** What is asked from inside a container: a sidecar's admin port, and where its processes live. */
import type { Driver } from './driver.ts';
import { EngineError } from './engine.ts';

/**
 * GET in bash alone: no image of ours holds a client. The path is an argument, not a part of the script.
 * The address is found as sidecars/kit/life/healthcheck.sh finds it.
 */
export const GET = String.raw`address=${'$'}{ADMIN_ADDRESS:-0.0.0.0}
[[ $address =~ ^[0.]+$ ]] && address=127.0.0.1
[[ $address =~ ^[0:]+$ ]] && address=::1
exec 3<>"/dev/tcp/$address/$ADMIN_PORT"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$1" >&3
cat <&3`;

/** True when a sidecar's /readyz answers 200. */
export async function ready(project: Driver, service: string): Promise<boolean> {
  try {
    await project.exec(service, ['/sidecar/healthcheck', '/readyz']);
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.exitCode === 1) return false;
    throw error;
  }
}

/**
 * What a path of a sidecar's admin port answers.
 * @param path such as `/metrics`
 */
export async function adminPage(
  project: Driver,
  service: string,
  path: string,
): Promise<{ status: number; body: string }> {
  const answer = await project.exec(service, ['bash', '-c', GET, 'get', path]);
  return { status: Number(answer.split(' ', 2)[1]), body: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
}

/**
 * A sidecar's metric.
 * @param name of one sample with its labels, as in the text format, or without: then all are added up
 * @returns its value, 0 when it was never set
 */
export async function metric(project: Driver, service: string, name: string): Promise<number> {
  const { body } = await adminPage(project, service, '/metrics');
  return body
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** The network namespace that a service's processes live in, as the kernel names it. */
export const netNamespace = (project: Driver, service: string): Promise<string> =>
  project.exec(service, ['readlink', '/proc/self/ns/net']);
