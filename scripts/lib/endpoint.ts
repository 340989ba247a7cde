import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where the docker command will look for its engine, and who said so. */
export interface Endpoint {
  /** `default`: nobody said anything, so the usual socket, which is the only one that setup may fill. */
  source: 'default' | 'DOCKER_HOST' | 'context';
  /** `unix:///…`, `tcp://…`, `ssh://…`; empty when a context names none. */
  host: string;
  /** The context's name, when `source` is `context`. */
  context?: string;
}

export const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/**
 * Resolves the engine's address as the docker command does: DOCKER_HOST, then DOCKER_CONTEXT, then
 * the current context of its config file, then the usual socket.
 * A context's address is in `contexts/meta/<sha256 of its name>/meta.json` beside the config file.
 * Unreadable files count as absent: the docker command will say so better than we could.
 */
export async function findEndpoint(env: NodeJS.ProcessEnv = process.env): Promise<Endpoint> {
  if (env.DOCKER_HOST) return { source: 'DOCKER_HOST', host: env.DOCKER_HOST };
  const folder = env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
  const config = await readJson(join(folder, 'config.json'));
  const context = env.DOCKER_CONTEXT || text(config?.currentContext);
  if (!context || context === 'default') return { source: 'default', host: DEFAULT_HOST };
  const id = createHash('sha256').update(context).digest('hex');
  const meta = await readJson(join(folder, 'contexts', 'meta', id, 'meta.json'));
  const endpoints = meta?.Endpoints as { docker?: { Host?: unknown } } | undefined;
  return { source: 'context', context, host: text(endpoints?.docker?.Host) };
}

/** The path of the socket when the address is a unix socket. */
export function socketPath(host: string): string | undefined {
  return host.startsWith('unix://') ? host.slice('unix://'.length) : undefined;
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
