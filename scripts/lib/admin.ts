/** What a sidecar says of itself on its admin port, asked from inside its own container. */
import type { Project } from './compose.ts';
import { EngineError } from './engine.ts';

/** GET in bash alone: no image of ours holds a client. The path is an argument, not a part of the script. */
const GET = 'exec 3<>/dev/tcp/127.0.0.1/$ADMIN_PORT; printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$1" >&3; cat <&3';

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
 * The body of a path of a sidecar's admin port, whatever the status.
 * @param path such as `/metrics`
 */
export async function adminPage(project: Project, service: string, path: string): Promise<string> {
  const answer = await project.exec(service, ['bash', '-c', GET, 'get', path]);
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}

/**
 * One sample of a sidecar's metrics.
 * @param sample name with labels, as in the text format
 * @returns its value, 0 when it was never set
 */
export async function metric(project: Project, service: string, sample: string): Promise<number> {
  const text = await adminPage(project, service, '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}
