/** `debug pod/NAME`: tools in a pod of Kubernetes that runs, without touching any image of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { EXIT_FOUND, Usage, type Command, type World } from '../command/command.ts';
import { containerSettings, debugArguments, podNamed, whereabouts, type DebugRequest } from './ephemeral.ts';

const IMAGE = 'sidecar-stacks/debug-tools:dev';
/** Of the package's one file in tools/dist, and of the source in tools/debug. */
const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../scripts/debug/tools');
const ANSWER_MS = 30_000;

const HELP = `Look into a pod of Kubernetes that runs, without touching any image of it: an
ephemeral container with curl, ss, strace, tcpdump and ps in the pod's network, and
in the process list of one container.

usage: sidecar-stacks debug pod/NAME [OPTION…] [-- COMMAND…]

  -- COMMAND…       one command there instead of a shell
  --container NAME  whose processes are seen (default: the pod's first)
  --namespace NAME  the pod's (default: kubectl's)
  --context NAME    of kubectl
  --image IMAGE     the image of tools (default: ${IMAGE},
                    which is never pulled)
  --restricted      no root and no capabilities, for a namespace with the Pod
                    Security Standard "restricted": then ss names no processes,
                    and strace and tcpdump are refused
  --help

It needs kubectl 1.32 or newer, and the image on the pod's node:
  docker build --tag ${IMAGE} ${FOLDER}
An ephemeral container stays in the pod's description until the pod is gone.

exit code: that of kubectl; 1 when the pod cannot be read, 2 for a wrong command line
`;

function readRequest(args: readonly string[]): DebugRequest {
  const end = args.indexOf('--');
  const command = end === -1 ? [] : args.slice(end + 1);
  let parsed;
  try {
    parsed = parseArgs({
      args: end === -1 ? [...args] : args.slice(0, end),
      allowPositionals: true,
      options: {
        container: { type: 'string' },
        namespace: { type: 'string', short: 'n' },
        context: { type: 'string' },
        image: { type: 'string', default: IMAGE },
        restricted: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (positionals.length !== 1) throw new Usage('debug takes one pod: pod/NAME. A command comes after --');
  if (end !== -1 && command.length === 0) throw new Usage('there is no command after --');
  return {
    pod: podNamed(positionals[0]!),
    namespace: values.namespace,
    context: values.context,
    container: values.container,
    image: values.image,
    restricted: values.restricted,
    command,
    terminal: process.stdin.isTTY,
  };
}

export const debugCommand: Command = {
  summary: 'look into a pod of Kubernetes that runs',
  help: () => HELP,
  async run(args, world) {
    const request = readRequest(args);
    const folder = mkdtempSync(join(tmpdir(), 'debug-'));
    try {
      const first = request.container ?? (await firstContainer(request, world));
      const settings = join(folder, 'container.json');
      writeFileSync(settings, JSON.stringify(containerSettings(request)));
      const name = `debug-${Date.now().toString(36)}`;
      return await handOver(debugArguments(request, name, first, settings), world);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      world.err(`${error.stderr.trim() || error.message}\n`);
      return EXIT_FOUND;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** @throws {CommandError} when kubectl says no */
async function firstContainer(request: DebugRequest, { folder, environment }: World): Promise<string> {
  const path = 'jsonpath={.spec.containers[0].name}';
  const argv = ['kubectl', 'get', ...whereabouts(request), `pod/${request.pod}`, `--output=${path}`];
  const { stdout } = await runCommand(argv, { cwd: folder, env: environment, timeout: ANSWER_MS });
  return stdout.trim();
}

/** Give the terminal to kubectl. */
async function handOver(args: readonly string[], { folder, environment }: World): Promise<number> {
  const child = spawn('kubectl', args, { cwd: folder, env: environment, stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the shell in the pod.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? EXIT_FOUND;
  } finally {
    process.off('SIGINT', ignore);
  }
}
