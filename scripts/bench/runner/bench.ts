/** The runner beside bare compose: a warm run of the https stack, and one with all its checks. */
import { freePorts } from '#kit/testing/ports.ts';
import { Project } from '../../lib/compose.ts';
import { run } from '../../lib/run.ts';
import { findStack, ROOT } from '../../lib/stacks.ts';
import { compare, median, type Bench } from '../measurement.ts';

export const bench: Bench = async ({ rounds, signal, progress }) => {
  const stack = findStack('https');

  const runner = async (...args: string[]): Promise<number> =>
    timed(async () => {
      const { exitCode, stdout, stderr } = await run('npm', ['run', '--silent', 'stack', '--', 'https', ...args], {
        cwd: ROOT,
        signal,
      });
      if (exitCode !== 0)
        throw new Error(`npm run stack -- https ${args.join(' ')}: exit code ${exitCode}\n${stdout}${stderr}`);
    });
  const bare = async (): Promise<number> => {
    const ports = await freePorts(stack.portVariables.length);
    const env = Object.fromEntries(stack.portVariables.map((variable, index) => [variable, String(ports[index])]));
    const project = new Project({ name: 'sidecar-stacks-https-bare', dir: stack.dir, env });
    return timed(async () => {
      await project.up([], { signal });
      await project.down();
    });
  };

  progress('warming up');
  await runner('--no-checks');
  const samples = { ours: [] as number[], theirs: [] as number[] };
  const whole: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const sides = [
      ['ours', () => runner('--no-checks')],
      ['theirs', bare],
    ] as const;
    for (const [side, measure] of round % 2 === 1 ? sides : sides.toReversed()) samples[side].push(await measure());
    whole.push(await runner());
    progress(
      `round ${round} of ${rounds}: runner ${samples.ours.at(-1)!.toFixed(1)} s, bare compose ${samples.theirs.at(-1)!.toFixed(1)} s, with all checks ${whole.at(-1)!.toFixed(1)} s`,
    );
  }
  const seconds = compare({ bench: 'runner', metric: 'warm_run_s', peer: 'docker compose', better: 'less' }, samples, {
    ratio: 1 / 1.15,
  });
  const all = median(whole);
  return [
    {
      bench: 'runner',
      metric: 'runner_overhead',
      ours: Number((median(samples.ours) / median(samples.theirs)).toFixed(3)),
      target: '<= 1.15',
      reached: seconds.reached!,
    },
    { ...seconds, target: '' },
    { bench: 'runner', metric: 'stack_https_s', ours: Number(all.toFixed(1)), target: '<= 15', reached: all <= 15 },
  ];
};

/** Seconds that something took. */
async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
