/** `npm run debug -- STACK [SERVICE]`: look into a stack that is up, without touching its images. */
import { readCommandLine, Usage, type CommandLine } from './debug/arguments.ts';
import { parseFacts, type Facts } from './debug/facts.ts';
import { overview, socketLines } from './debug/overview.ts';
import {
  adminPort,
  findRunning,
  findService,
  NotRunning,
  processOwner,
  type Pod,
  type RunningStack,
} from './debug/pods.ts';
import { runInTerminal, joining, runInPod, toolsImage } from './debug/tools.ts';
import { docker, EngineError } from './lib/engine.ts';
import { serviceOf } from './lib/compose.ts';
import { stackNames } from './lib/stacks.ts';

const HELP = `Look into a stack that is up (npm run stack -- NAME --keep, or make demo-NAME),
without touching any image of it.

usage: npm run debug -- STACK [SERVICE] [options] [-- COMMAND…]

without options: who is in which pod, which namespaces they share, who listens
where, and what the sidecars' admin ports say; with SERVICE, of its pod alone

  --logs          what the service's container wrote; --follow goes on
  --metrics       its metrics, and what the engine measures of it
  --sockets       every socket of the pod, and whose it is
  --shell         a shell with curl, ss, strace, tcpdump and ps in the pod's
                  network, and in the process list that SERVICE sees
  -- COMMAND…     one command there instead of a shell
  --project NAME  which, when several copies of the stack are up
  --help

stacks: ${stackNames().join(', ')}

exit code: 0, or that of COMMAND; 1 when it is not up, 2 for a wrong command
line
`;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

// The reader of our output has gone (`… | head`), so no message would be seen.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const line = readCommandLine(process.argv.slice(2));
    if (line === undefined) {
      process.stdout.write(HELP);
      return 0;
    }
    if (!stackNames().includes(line.stack))
      throw new Usage(
        `There is no stack named ${JSON.stringify(line.stack)}. The stacks are: ${stackNames().join(', ')}`,
      );
    return await answer(line, await findRunning(line.stack, line.project));
  } catch (error) {
    if (error instanceof Usage) {
      say(`debug: ${error.message}\nSee: npm run debug -- --help`);
      return 2;
    }
    if (!(error instanceof NotRunning) && !(error instanceof EngineError)) throw error;
    say(`debug: ${error.message}`);
    return 1;
  }
}

async function answer(line: CommandLine, running: RunningStack): Promise<number> {
  switch (line.kind) {
    case 'logs':
      return await runInTerminal(['logs', ...(line.follow ? ['--follow'] : []), idOf(running, line.service)]);
    case 'metrics':
      return await metrics(line, running);
    case 'shell':
      return await enter(line, running, ['--interactive', ...(process.stdin.isTTY ? ['--tty'] : [])], ['bash']);
    case 'command':
      return await enter(line, running, [], line.command);
    case 'overview':
    case 'sockets': {
      const pods = line.service === undefined ? running.pods : [findService(running, line.service).pod];
      const image = await toolsImage(say);
      const facts = new Map(
        await Promise.all(pods.map(async (pod) => [pod.owner.Id, await factsOf(line.stack, pod, image)] as const)),
      );
      const ended = line.service === undefined ? running.ended : [];
      const lines =
        line.kind === 'sockets'
          ? pods.flatMap((pod) => socketLines(pod, facts.get(pod.owner.Id)!))
          : overview(line.stack, { ...running, pods, ended }, facts);
      lines.forEach(print);
      return 0;
    }
  }
}

/** A service's container, also one that has ended: its log is there. */
function idOf(running: RunningStack, service: string): string {
  const gone = running.ended.find((each) => serviceOf(each) === service);
  return gone?.Id ?? findService(running, service).container.Id;
}

/** Everything that the kernel knows of a pod; from the engine's machine, since each container may have its own processes. */
async function factsOf(stack: string, { owner, members }: Pod, image: string): Promise<Facts> {
  const pids = members.map(({ State }) => State.Pid).join(',');
  const ports = members.flatMap((each) => adminPort(each) ?? []).join(',');
  return parseFacts(await runInPod(image, { stack, network: owner.Id, processes: 'host' }, ['facts', pids, ports]));
}

/** What a sidecar counts, and what the engine measures of any container. */
async function metrics(line: CommandLine & { service: string }, running: RunningStack): Promise<number> {
  const { pod, container } = findService(running, line.service);
  const format = 'CPU {{.CPUPerc}}, memory {{.MemUsage}}, processes {{.PIDs}}, network {{.NetIO}}, disk {{.BlockIO}}';
  print(
    `# the engine: ${await docker(['stats', '--no-stream', '--format', format, container.Id], { timeoutMs: 30_000 })}`,
  );
  const port = adminPort(container);
  if (port === undefined) return 0;
  const url = `http://127.0.0.1:${port}/metrics`;
  const joined = { stack: line.stack, network: pod.owner.Id, processes: processOwner(container) };
  const text = await runInPod(await toolsImage(say), joined, [
    'curl',
    '--silent',
    '--show-error',
    '--fail',
    '--max-time',
    '5',
    url,
  ]);
  print(`# ${url}\n${text}`);
  return 0;
}

/** Run something in a pod, with this terminal. */
async function enter(
  line: CommandLine & { service: string | undefined },
  running: RunningStack,
  flags: readonly string[],
  command: readonly string[],
): Promise<number> {
  const { pod, container } = line.service === undefined ? onlyPod(running) : findService(running, line.service);
  const image = await toolsImage(say);
  const [run, ...rest] = joining({ stack: line.stack, network: pod.owner.Id, processes: processOwner(container) });
  return await runInTerminal([run!, ...flags, ...rest, image, ...command]);
}

function onlyPod({ pods }: RunningStack): { pod: Pod; container: Pod['owner'] } {
  const [pod, ...others] = pods;
  if (pod && others.length === 0) return { pod, container: pod.owner };
  throw new NotRunning(
    `There are several pods: name a service of one (${pods.map(({ owner }) => serviceOf(owner)).join(', ')})`,
  );
}
