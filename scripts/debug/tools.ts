/** The tools image, and how a container of it joins a pod. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { programImage } from '../lib/program-image.ts';

/** What is joined, and what of it. */
export interface Joined {
  /** The stack's name, for the label by which it is found again. */
  readonly stack: string;
  /** A container's id, whose network is joined. */
  readonly network: string;
  /** Likewise for its processes; `host` for those of the engine's machine. */
  readonly processes: string;
}

/**
 * Just what the tools need, and only for the container that runs them: strace and the namespaces of
 * other users' processes (SYS_PTRACE), letting go of them again (KILL), the names of the processes
 * behind sockets (DAC_READ_SEARCH), and packets (NET_RAW). tcpdump gives its own root away (SETUID,
 * SETGID).
 */
const CAPABILITIES = ['SYS_PTRACE', 'KILL', 'DAC_READ_SEARCH', 'NET_RAW', 'SETUID', 'SETGID'];

const FACTS_MS = 60_000;

/**
 * Build the tools image, which takes a fraction of a second when nothing has changed.
 * @param say gets a line when it takes longer
 * @returns its name
 */
export const toolsImage = (say: (line: string) => void): Promise<string> =>
  programImage('debug-tools', 'scripts/debug/tools', say);

/** The arguments of `docker run` that join a pod. */
export function joining({ stack, network, processes }: Joined): string[] {
  return [
    'run',
    '--rm',
    '--label',
    `${STACK_LABEL}=${stack}`,
    '--network',
    `container:${network}`,
    '--pid',
    processes === 'host' ? 'host' : `container:${processes}`,
    '--cap-drop',
    'ALL',
    ...CAPABILITIES.flatMap((each) => ['--cap-add', each]),
    '--security-opt',
    'no-new-privileges',
  ];
}

/** Run a program in the pod and return what it prints. */
export function runInPod(image: string, joined: Joined, command: readonly string[]): Promise<string> {
  return docker([...joining(joined), image, ...command], { timeoutMs: FACTS_MS });
}

/**
 * Give the terminal to a docker command.
 * @returns its exit code
 */
export async function runInTerminal(args: readonly string[]): Promise<number> {
  const child = spawn('docker', args, { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches both; what ends is the command, and we with it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}
