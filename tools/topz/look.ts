/** Our topz beside a container that is already running: started, asked, removed. */
import { setTimeout as pause } from 'node:timers/promises';
import { docker } from '../command/docker.ts';
import { NotFound, type Container } from '../debug/find-container.ts';

const PORT = 8080;
const UP = 20_000;
/** What a timer takes, in milliseconds: 24 days. */
const LONGEST = 2 ** 31 - 1;

export interface Look {
  /** `http://127.0.0.1:PORT/topz`. */
  readonly url: string;
  /** Resolves when it has ended, which it does with the container that it looks into. */
  readonly ended: Promise<unknown>;
  /** Remove it. */
  remove(): Promise<void>;
}

/**
 * Start topz in a container's pid namespace, on a free port of this machine's loopback address.
 * @param image of topz
 * @param target whose processes are shown
 * @param known all containers, for their names
 * @throws {CommandError} when it cannot be started
 */
export async function startLook(
  image: string,
  target: Container,
  known: readonly Container[],
  signal: AbortSignal,
): Promise<Look> {
  const user = await userOf(target.id);
  const id = await docker(
    [
      'run',
      '--detach',
      '--rm',
      '--label=dev.sidecar-stacks.stack=topz',
      `--pid=container:${target.id}`,
      `--publish=127.0.0.1:0:${PORT}`,
      '--read-only',
      '--cap-drop=ALL',
      '--security-opt=no-new-privileges',
      '--memory=128m',
      '--pids-limit=64',
      // Names of users and sockets may be read with the same user and group.
      ...(user === undefined ? [] : [`--user=${user}`]),
      `--env=TOPZ_NAMES=${namesOf(target, known)}`,
      image,
      '/server',
      `--addr=0.0.0.0:${PORT}`,
    ],
    { timeout: 60_000, signal },
  );
  const remove = async (): Promise<void> => {
    // It removes itself as well, when it ends: what is already gone is no failure.
    await docker(['rm', '--force', id], { timeout: 30_000 }).catch(() => undefined);
  };
  try {
    const address = (await docker(['port', id, `${PORT}/tcp`], { timeout: 30_000, signal })).split('\n')[0]!;
    const url = `http://${address}/topz`;
    await until(() => answers(url, id), signal);
    return { url, ended: docker(['wait', id], { timeout: LONGEST, signal }).catch(() => undefined), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * One look as text, once shares of the processor can be told.
 * @param width of the terminal; undefined for lines of any length
 */
export async function readText(url: string, width: number | undefined, signal: AbortSignal): Promise<string> {
  await until(async () => {
    const response = await fetch(`${url}?format=json`, { signal });
    const { window_seconds: window } = (await response.json()) as { window_seconds: number | null };
    return window !== null && window >= 0.9;
  }, signal);
  return (await fetch(`${url}?format=text${width === undefined ? '' : `&width=${width}`}`, { signal })).text();
}

/** Most names that are passed on. */
const MOST_NAMES = 100;

/** The container itself and others that run, as `ID=NAME`: services by their short names, as topz takes them. */
export function namesOf(target: Container, known: readonly Container[]): string {
  const running = known.filter(({ id, state }) => id !== target.id && state === 'running');
  return [target, ...running]
    .slice(0, MOST_NAMES)
    .map(({ id, name, service }) => `${id.slice(0, 12)}=${(service || name).replace(/[^\w.-]/g, '_').slice(0, 63)}`)
    .join(',');
}

/** The container's user, where it is given as a number and is not root: root without capabilities may read no more. */
async function userOf(id: string): Promise<string | undefined> {
  const user = await docker(['inspect', '--format', '{{.Config.User}}', id], { timeout: 30_000 });
  return /^[1-9]\d*(:\d+)?$/.test(user) ? user : undefined;
}

async function answers(url: string, id: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    const running = await docker(['ps', '--quiet', '--no-trunc', '--filter', `id=${id}`], { timeout: 10_000 });
    if (running === '') throw new NotFound('it has ended: did the container that it looks into end?');
    return false;
  }
}

/** Ask again until it is so. @throws {NotFound} at the deadline */
async function until(ask: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + UP;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new NotFound(`it does not answer within ${UP / 1000} s`);
    await pause(100, undefined, { signal });
  }
}
