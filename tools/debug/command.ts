/** `debug`: tools beside a container of this machine, or in a pod of Kubernetes, without touching any image of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { EXIT_FOUND, Usage, type Command, type CommandContext } from '../command/command.ts';
import { buildImage, docker, inTerminal } from '../command/docker.ts';
import { besideArguments, type Joined } from './beside.ts';
import { containerSettings, debugArguments, podNamed, whereabouts, type DebugRequest } from './ephemeral.ts';
import { findContainer, listContainers, NotFound } from './find-container.ts';

const IMAGE = 'sidecar-stacks/debug-tools:dev';
/** Of the package's one file in tools/dist, and of the source in tools/debug. */
const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../scripts/debug/tools');
const ANSWER_MS = 30_000;

const HELP = `Look into a container that runs, of any project, or into a pod of Kubernetes, with
curl, ss, strace, tcpdump and ps, without touching any image of it: a container
with tools joins its network and its processes, and sees its volumes; its own
files are in /proc/PID/root.

usage: sidecar-stacks debug CONTAINER [OPTION…] [-- COMMAND…]
       sidecar-stacks debug pod/NAME [OPTION…] [-- COMMAND…]

  CONTAINER         its name or id, the beginning of its id, its compose service,
                    or a part of its name
  -- COMMAND…       one command there instead of a shell
  --image IMAGE     the image of tools (default: ${IMAGE},
                    which is built, once)
  --help

Of a pod; an ephemeral container joins it:
  --container NAME  whose processes are seen (default: the pod's first)
  --namespace NAME  the pod's (default: kubectl's)
  --context NAME    of kubectl
  --restricted      no root and no capabilities, for a namespace with the Pod
                    Security Standard "restricted": then ss names no processes,
                    and strace and tcpdump are refused

A pod needs kubectl 1.32 or newer, and the image on its node, where it is never
pulled:
  docker build --tag ${IMAGE} ${FOLDER}
An ephemeral container stays in the pod's description until the pod is gone.

exit code: that of the command; 1 where it cannot be run, 2 for a wrong command line
`;

/** A pod by its kind, or a container. */
const POD = /^\w*\//;

interface Line {
  readonly target: string;
  readonly command: readonly string[];
  readonly values: ReturnType<typeof parse>['values'];
}

function readLine(args: readonly string[]): Line {
  const end = args.indexOf('--');
  const command = end === -1 ? [] : args.slice(end + 1);
  const { values, positionals } = parse(end === -1 ? args : args.slice(0, end));
  if (positionals.length !== 1) throw new Usage('debug takes one container, or pod/NAME. A command comes after --');
  if (end !== -1 && command.length === 0) throw new Usage('there is no command after --');
  return { target: positionals[0]!, command, values };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        container: text,
        namespace: { ...text, short: 'n' },
        context: text,
        image: text,
        restricted: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Usage((error as Error).message);
  }
}

export const debugCommand: Command = {
  summary: 'tools beside a container or a pod that runs',
  help: () => HELP,
  async run(args, context) {
    const line = readLine(args);
    try {
      return await (POD.test(line.target) ? inPod(line, context) : beside(line, context));
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof NotFound)) throw error;
      const said = error instanceof CommandError ? error.stderr.trim() || error.message : error.message;
      context.err(`${said}\n`);
      return EXIT_FOUND;
    }
  },
};

async function beside({ target, command, values }: Line, context: CommandContext): Promise<number> {
  const wrong = (['container', 'namespace', 'context', 'restricted'] as const).find((name) => values[name]);
  if (wrong !== undefined) throw new Usage(`--${wrong} is for a pod: pod/${target}`);
  const { environment } = context;
  const { id } = findContainer(target, await listContainers({ environment }));
  const joined = JSON.parse(await docker(['inspect', '--format', '{{json .}}', id], { environment })) as Joined;
  if (values.image === undefined) await buildImage({ image: IMAGE, folder: FOLDER, base: 'DEBIAN_BASE' }, context);
  const terminal = command.length === 0 && process.stdin.isTTY;
  return inTerminal(['docker', ...besideArguments(joined, values.image ?? IMAGE, command, terminal)], context);
}

async function inPod({ target, command, values }: Line, context: CommandContext): Promise<number> {
  const request: DebugRequest = {
    pod: podNamed(target),
    namespace: values.namespace,
    context: values.context,
    container: values.container,
    image: values.image ?? IMAGE,
    restricted: values.restricted,
    command,
    terminal: process.stdin.isTTY,
  };
  const folder = mkdtempSync(join(tmpdir(), 'debug-'));
  try {
    const first = request.container ?? (await firstContainer(request, context));
    const settings = join(folder, 'container.json');
    writeFileSync(settings, JSON.stringify(containerSettings(request)));
    const name = `debug-${Date.now().toString(36)}`;
    return await inTerminal(['kubectl', ...debugArguments(request, name, first, settings)], context);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @throws {CommandError} when kubectl says no */
async function firstContainer(request: DebugRequest, { folder, environment }: CommandContext): Promise<string> {
  const path = 'jsonpath={.spec.containers[0].name}';
  const argv = ['kubectl', 'get', ...whereabouts(request), `pod/${request.pod}`, `--output=${path}`];
  const { stdout } = await runCommand(argv, { cwd: folder, env: environment, timeout: ANSWER_MS });
  return stdout.trim();
}
