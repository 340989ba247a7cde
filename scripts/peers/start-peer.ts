/** A program of others as a process of a test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

/** How much of what it said goes with an error, in characters. */
const LAST_WORDS = 3000;
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface StartedPeer {
  readonly stop: () => Promise<void>;
}

/**
 * Start it with an environment that is empty but for PATH, in a folder of its own.
 * @param ready says whether it can be asked; asked again until it can
 */
export async function startPeer(
  path: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
): Promise<StartedPeer> {
  const cwd = temporaryDirectory('peer');
  const child = spawn(path, args, { cwd, env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + String(chunk)).slice(-LAST_WORDS)));
  const ended = once(child, 'close').then(() => running.delete(child));
  await eventually(
    `${path} is ready`,
    async () => {
      if (!running.has(child))
        throw new TerminalState(`it ended with ${child.exitCode ?? child.signalCode}: ${output}`);
      return await ready().catch(() => false);
    },
    { within: 120_000, every: 50 },
  );
  return {
    async stop() {
      child.kill();
      await ended;
    },
  };
}
