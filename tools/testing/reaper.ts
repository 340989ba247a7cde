/** Takes a project down when the process that brought it up ends, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';

/**
 * What the reaper runs: it reads from its parent until there is no parent, then removes what carries
 * the project's label. It is given as text, since it must not depend on where this package lies.
 */
const PROGRAM = `
const { spawnSync } = require('node:child_process');
const [project] = process.argv.slice(1);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
let text = '';
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', () => {
  if (text.includes('keep')) return;
  const docker = (...args) => String(spawnSync('docker', args, { encoding: 'utf8', timeout: 60000 }).stdout || '').split('\\n').filter(Boolean);
  const filter = ['--filter', 'label=com.docker.compose.project=' + project];
  for (let attempt = 0; attempt < 5; attempt++) {
    const containers = docker('ps', '-aq', ...filter);
    if (containers.length > 0) docker('rm', '-f', '-v', ...containers);
    const networks = docker('network', 'ls', '-q', ...filter);
    if (networks.length > 0) docker('network', 'rm', ...networks);
    const volumes = docker('volume', 'ls', '-q', ...filter);
    if (volumes.length > 0) docker('volume', 'rm', '-f', ...volumes);
    if (containers.length + networks.length + volumes.length === 0) return;
  }
});
`;

export interface Reaper {
  /** Nothing is to be removed when this process ends. */
  release(): void;
}

/** Start a reaper in a process of its own. */
export function reap(project: string): Reaper {
  const child: ChildProcess = spawn(process.execPath, ['-e', PROGRAM, project], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  child.unref();
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  child.on('error', () => {});
  child.stdin!.on('error', () => {});
  return { release: () => void child.stdin!.end('keep') };
}
