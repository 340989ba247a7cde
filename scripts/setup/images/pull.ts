import { docker, EngineError } from '../../lib/engine.ts';
import { IMAGE_LABEL } from '../../lib/labels.ts';
import { BASE, type BaseImage } from './table.ts';

/** Milliseconds for a registry to say that it has the image. */
const ANSWER_MS = 15_000;

/** Milliseconds for the whole image: about 80 MB. */
const PULL_MS = 300_000;

/**
 * Pulls the official image and gives it our name and label. When the official image was not there
 * before, its own name is taken off again: what remains is ours, and `make clean` finds it.
 * Throws EngineError; `timeout` also when the registry does not answer in time.
 */
export async function pull({ name, official }: BaseImage, signal?: AbortSignal): Promise<void> {
  const was = await docker(['image', 'ls', '--quiet', official], { timeoutMs: ANSWER_MS, signal });
  const unanswered = new AbortController();
  const timer = setTimeout(() => unanswered.abort(), ANSWER_MS);
  try {
    await docker(['pull', official], {
      timeoutMs: PULL_MS,
      signal: AbortSignal.any([unanswered.signal, ...(signal ? [signal] : [])]),
      // Its first line comes when the registry has named the layers.
      onStdout: () => clearTimeout(timer),
    });
  } catch (error) {
    if (error instanceof EngineError && error.reason === 'aborted' && !signal?.aborted) {
      throw new EngineError('timeout', error.args, error.exitCode, error.stderr);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
  await docker(['build', '--quiet', '--tag', name, '--label', `${IMAGE_LABEL}=${BASE}`, '-'], {
    input: `FROM ${official}\n`,
    timeoutMs: 60_000,
    signal,
  });
  if (was === '') await docker(['image', 'rm', '--no-prune', official], { timeoutMs: ANSWER_MS });
}
