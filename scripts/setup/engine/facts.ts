import { accessSync, constants, existsSync } from 'node:fs';
import { request } from 'node:http';
import { delimiter, join } from 'node:path';
import { docker, EngineError } from '../../lib/engine.ts';
import { type Endpoint, findEndpoint, socketPath } from '../../lib/endpoint.ts';
import { findSystem, type System } from './system.ts';

/** What the engine says of itself. */
export interface EngineVersion {
  /** Of the engine: `26.1.5+dfsg1`. */
  version: string;
  /** `linux`, or `windows` for Windows containers. */
  os: string;
  /** Go's name of the processor: `amd64`, `arm64`… */
  arch: string;
}

export type Daemon =
  | ({ state: 'up' } & EngineVersion)
  /** Nothing listens; `detail` says how that showed. */
  | { state: 'down'; detail: string }
  /** It listens, and this user may not talk to it. */
  | { state: 'permission'; detail: string }
  /** It listens and says nothing, or something that is no engine's answer. */
  | { state: 'silent'; detail: string };

/** Everything that the decision about the engine rests on. */
export interface EngineFacts {
  system: System;
  endpoint: Endpoint;
  daemon: Daemon;
  /** The docker command is there. */
  cli: boolean;
  /** dockerd is installed here. */
  dockerd: boolean;
  /** The engine came from Docker's own package source, which has its own names for the plugins. */
  dockerCe: boolean;
  /** Version of `docker compose`, undefined when it does not answer. */
  compose: string | undefined;
  /** Version of `docker buildx`, undefined when it does not answer. */
  buildx: string | undefined;
  /** False with SETUP_ENGINE=no: nothing may be installed or started. */
  mayInstall: boolean;
}

/** Milliseconds that an engine has for telling its version; it needs about one. */
const ANSWER_MS = 5_000;

/** Looks at everything at once and changes nothing. Takes tens of milliseconds. */
export async function observe(signal?: AbortSignal): Promise<EngineFacts> {
  const endpoint = await findEndpoint();
  const cli = findProgram('docker') !== undefined;
  const [daemon, compose, buildx] = await Promise.all([
    askEngine(endpoint, cli, signal),
    cli ? pluginVersion(['compose', 'version', '--short'], signal) : undefined,
    cli ? pluginVersion(['buildx', 'version'], signal) : undefined,
  ]);
  return {
    system: findSystem(),
    endpoint,
    daemon,
    cli,
    compose,
    buildx,
    dockerd: findDaemon() !== undefined,
    dockerCe: existsSync('/var/lib/dpkg/info/docker-ce.list'),
    mayInstall: process.env.SETUP_ENGINE !== 'no',
  };
}

/**
 * Asks the engine for its version: over its unix socket without any process, otherwise (tcp, ssh)
 * with the docker command, which knows about certificates and keys.
 */
export async function askEngine(endpoint: Endpoint, cli: boolean, signal?: AbortSignal): Promise<Daemon> {
  const socket = socketPath(endpoint.host);
  if (socket !== undefined) return await askSocket(socket);
  if (!cli) return { state: 'down', detail: 'no docker command to ask it with' };
  try {
    const answer = await docker(['version', '--format', '{{json .Server}}'], {
      timeoutMs: ANSWER_MS,
      signal,
    });
    return readVersion(answer);
  } catch (error) {
    if (!(error instanceof EngineError) || error.reason === 'aborted') throw error;
    const state = error.reason === 'permission' ? 'permission' : error.reason === 'timeout' ? 'silent' : 'down';
    return { state, detail: error.message };
  }
}

async function askSocket(path: string): Promise<Daemon> {
  return await new Promise((resolve) => {
    const asked = request(
      { socketPath: path, path: '/version', headers: { host: 'docker' }, agent: false, timeout: ANSWER_MS },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('error', (error) => resolve({ state: 'silent', detail: error.message }));
        response.on('end', () => resolve(readVersion(body)));
      },
    );
    asked.on('timeout', () => {
      resolve({ state: 'silent', detail: `no answer within ${ANSWER_MS / 1000} s` });
      asked.destroy();
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const denied = error.code === 'EACCES' || error.code === 'EPERM';
      const down = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      resolve({ state: denied ? 'permission' : down ? 'down' : 'silent', detail: error.code ?? error.message });
    });
    asked.end();
  });
}

/** Reads the engine's answer to `GET /version`, as JSON text. */
export function readVersion(body: string): Daemon {
  try {
    const { Version, Os, Arch } = JSON.parse(body) as Record<string, unknown>;
    if (typeof Version === 'string' && typeof Os === 'string' && typeof Arch === 'string') {
      return { state: 'up', version: Version, os: Os, arch: Arch };
    }
  } catch {
    // Falls through: whatever answers there is no engine.
  }
  return { state: 'silent', detail: 'what answers there is no container engine' };
}

/** The folders of PATH: what is there can be called by its name. */
export function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Where daemons live, which a user's PATH may not name. */
const DAEMON_FOLDERS = ['/usr/local/bin', '/usr/sbin', '/usr/bin'];

/** The path of the engine's daemon, if it is installed. */
export function findDaemon(): string | undefined {
  return findProgram('dockerd', [...pathFolders(), ...DAEMON_FOLDERS]);
}

/** The path of a program in the first of these folders that has it; undefined when none has. */
export function findProgram(name: string, folders: readonly string[] = pathFolders()): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function pluginVersion(args: readonly string[], signal?: AbortSignal): Promise<string | undefined> {
  try {
    const said = await docker(args, { timeoutMs: ANSWER_MS, signal });
    return /\d+\.\d+[^\s]*/.exec(said)?.[0];
  } catch (error) {
    if (error instanceof EngineError && error.reason === 'aborted') throw error;
    return undefined;
  }
}
