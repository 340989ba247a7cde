/** Images of this machine's engine into another store: both ends stream. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * @param images that the engine has
 * @param container in which `load` runs
 * @param load a program that reads a `docker save` from its standard input
 * @throws {Error} with what either end said
 */
export async function carryImages(
  images: readonly string[],
  container: string,
  load: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (images.length === 0) return;
  const from = spawn('docker', ['save', ...images], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const to = spawn('docker', ['exec', '--interactive', container, ...load], {
    stdio: ['pipe', 'ignore', 'pipe'],
    signal,
  });
  from.stdout.pipe(to.stdin);
  // It says so itself, when it ends.
  to.stdin.on('error', () => {});
  const said: string[] = [];
  for (const each of [from, to])
    each.stderr.on('data', (data: Buffer) => void (said.length < 50 && said.push(String(data))));
  const [[saved], [loaded]] = (await Promise.all([once(from, 'close'), once(to, 'close')])) as [[number], [number]];
  if (saved !== 0 || loaded !== 0) throw new Error(`images were not carried over: ${said.join('').trim()}`);
}
