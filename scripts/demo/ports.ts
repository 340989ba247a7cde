/** The ports of this machine that a demo is about to publish: which are taken, and by whom. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { docker } from '../lib/engine.ts';

export interface Taken {
  /** The variable that says the port. */
  readonly variable: string;
  readonly port: number;
  /** `container shop-web-1 of project shop`, `process 4711 (node)`; undefined where this user may not see it. */
  readonly holder: string | undefined;
}

const LOOK_MS = 10_000;

/**
 * @param ports by variable
 * @param project a compose project whose containers will make room
 */
export async function takenPorts(ports: Readonly<Record<string, string>>, project: string): Promise<Taken[]> {
  const found = await Promise.all(
    Object.entries(ports).map(async ([variable, said]): Promise<Taken[]> => {
      const port = Number(said);
      if (await isFree(port)) return [];
      const containers = await publishers(port);
      if (containers.length > 0 && containers.every((each) => each.project === project)) return [];
      const [first] = containers;
      const container = first && `container ${first.name}${first.project === '' ? '' : ` of project ${first.project}`}`;
      return [{ variable, port, holder: container ?? listeningProcess(port) }];
    }),
  );
  return found.flat();
}

/** A port below 1024 that this user may not take is for the engine to try. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'EADDRINUSE'));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function publishers(port: number): Promise<{ name: string; project: string }[]> {
  const format = '{{.Names}}\t{{.Label "com.docker.compose.project"}}';
  // Where no engine answers, it is no container.
  const lines = await docker(['ps', '--filter', `publish=${port}`, '--format', format], { timeoutMs: LOOK_MS }).catch(
    () => '',
  );
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split('\t')[0]!, project: line.split('\t')[1] ?? '' }));
}

/** The process that listens on a port, as far as this user may see it. */
function listeningProcess(port: number): string | undefined {
  try {
    return process.platform === 'linux' ? byProc(port) : byLsof(port);
  } catch {
    return undefined;
  }
}

/** Linux: /proc/net/tcp has the socket of a port (proc(5)), and /proc/PID/fd who has it open. */
function byProc(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const listening = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F:]+ 0A (?:\\S+ +){5}(\\d+)`, 'gm');
  const sockets = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(listening)].map(([, inode]) => `socket:[${inode}]`),
    ),
  );
  const pid = readdirSync('/proc').find((each) => /^\d+$/.test(each) && hasOpen(each, sockets));
  return pid && `process ${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`;
}

function hasOpen(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    // Another user's, or it has ended.
    return false;
  }
}

function byLsof(port: number): string | undefined {
  const out = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
    encoding: 'utf8',
    timeout: LOOK_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [pid, name] = [/^p(\d+)$/m.exec(out)?.[1], /^c(.*)$/m.exec(out)?.[1]];
  return pid && `process ${pid} (${name})`;
}

/**
 * What to say of ports that are taken.
 * @param free as many ports as are taken
 */
export function takenLines(name: string, taken: readonly Taken[], free: readonly number[]): string[] {
  const variables = taken.map(({ variable }, at) => `${variable}=${free[at]}`).join(' ');
  return [
    ...taken.map(
      ({ variable, port, holder }) =>
        `Port 127.0.0.1:${port} is in use by ${holder ?? 'a process that this user may not see'} (${variable}).`,
    ),
    '',
    'Stop what holds them, or take free ones:',
    `  make demo-${name} ARGS="--ports free"`,
    `  ${variables} make demo-${name}`,
  ];
}
