/** `npm run kubernetes`: build Kubernetes, and run a cluster of one node of it. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { catchSignals } from './lib/interrupt.ts';
import { FOLDER, KUBERNETES } from './kubernetes/binaries.ts';
import { build } from './kubernetes/build.ts';
import { down, KUBECONFIG, up } from './kubernetes/cluster.ts';
import { findCluster } from './kubernetes/context.ts';
import { kubectl } from './kubernetes/kubectl.ts';
import { isEnd, timeline } from './kubernetes/timeline.ts';

const HELP = `usage: npm run kubernetes [-- up | down | try FILE]

Builds Kubernetes ${KUBERNETES} and what belongs to it (etcd, CoreDNS) with Go, from the Go
module proxy, into
${FOLDER}.
Once, for every clone: minutes, and about 3 GB of Go's caches while it builds.
Tests that need the programs are skipped by name where they are not there.

  up      also start a cluster of one node, in a privileged container of the
          engine, and say how kubectl reaches it
  down    remove the cluster; the programs stay
  try FILE
          run the pod of a manifest on the cluster of kubectl's current context,
          or on ours, and tell what its containers do, until it ends
          --seconds N     or for N seconds (default 12)
          --end NAME      end this container by TERM when the pod runs
          --context NAME  another context of kubectl

npm run stack -- NAME --on kubernetes runs a stack on it.

Exit code
  0 done   1 it cannot be built or started   2 wrong usage
`;

const say = (line: string): void => console.error(line);

type Command =
  | { readonly name: 'build' | 'up' | 'down' }
  | {
      readonly name: 'try';
      readonly file: string;
      readonly seconds: number;
      readonly end: string | undefined;
      readonly context: string | undefined;
    };

function commandLine(): Command {
  try {
    const { values, positionals } = parseArgs({
      options: {
        help: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '12' },
        end: { type: 'string' },
        context: { type: 'string' },
      },
      allowPositionals: true,
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const [name = 'build', file, ...others] = positionals;
    if (file === undefined && (name === 'build' || name === 'up' || name === 'down')) return { name };
    const { seconds, end, context } = values;
    if (!/^[1-9]\d{0,3}$/.test(seconds)) throw new Error(`--seconds takes a whole number, not ${seconds}`);
    if (name === 'try' && file !== undefined && others.length === 0)
      return { name, file, seconds: Number(seconds), end, context };
    throw new Error(`up, down, or try FILE; not ${JSON.stringify(positionals.join(' '))}`);
  } catch (error) {
    process.stderr.write(`kubernetes: ${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

async function tryOut({ file, seconds, end, context }: Extract<Command, { name: 'try' }>): Promise<void> {
  const cluster = await findCluster(context);
  const manifest = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const changes = await timeline({ ...cluster, namespace: undefined }, manifest, {
    within: seconds * 1000,
    signal,
    onChange: ({ at, who, what }) =>
      process.stdout.write(`${at.toFixed(1).padStart(5)} s  ${who.padEnd(12)} ${what}\n`),
    ...(end !== undefined && {
      meanwhile: async (reach, pod) => {
        // With the container, what was run in it ends.
        await kubectl(reach, ['exec', pod, `--container=${end}`, '--', 'bash', '-c', 'kill -TERM 1']).catch(() => {});
      },
    }),
  });
  const pod = changes.findLast(({ who }) => who === 'pod')?.what;
  process.stdout.write(
    pod !== undefined && isEnd(pod) ? `the pod has ended: ${pod}\n` : `after ${seconds} s the pod has not ended\n`,
  );
}

const command = commandLine();
const { signal, exitCode } = catchSignals(() => {});
try {
  if (command.name === 'down') await down();
  else if (command.name !== 'try') await build(say, signal);
  if (command.name === 'try') await tryOut(command);
  if (command.name === 'up') {
    await up(say, signal);
    process.stdout.write(`It is up. To reach it by kubectl:\n  export KUBECONFIG=${KUBECONFIG}\n`);
  }
} catch (error) {
  if (signal.aborted) process.exit(exitCode());
  if (!(error instanceof Error)) throw error;
  console.error(`kubernetes: ${error.message}`);
  process.exitCode = 1;
}
