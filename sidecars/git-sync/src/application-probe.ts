/** Is the application well with what was published? */
import { pause } from '#kit/time/backoff.ts';
import { httpProbe, type ProbeResult } from '#kit/net/probes.ts';
import { waitUntilStable } from '#kit/time/wait-until-stable.ts';

export interface VerifyOptions {
  readonly url: string;
  /** Milliseconds from now until it must have been well for long enough. */
  readonly timeout: number;
  /** Milliseconds without a failed probe. */
  readonly stable: number;
  /** Milliseconds between two probes. */
  readonly every?: number;
  readonly probe?: (url: string, timeout: number, signal: AbortSignal) => Promise<ProbeResult>;
}

/** One probe's patience in milliseconds: who takes longer is not well. The last ones have the time that is left. */
const PROBE_TIMEOUT = { most: 5000, least: 1000 };

const probeHttp = (url: string, timeout: number, signal: AbortSignal): Promise<ProbeResult> =>
  httpProbe({ url, timeout, signal });

/**
 * Probe until the application was well for long enough, or the time is up. Right after a publication
 * the old process may still answer; so a single good answer says nothing, an unbroken row of them does.
 * @returns what was wrong at the end; undefined when all is well
 * @throws the signal's reason when it is aborted
 */
export async function verify(
  { url, timeout, stable, every = 200, probe = probeHttp }: VerifyOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = performance.now() + timeout;
  return await waitUntilStable(
    async () => {
      const left = Math.max(PROBE_TIMEOUT.least, deadline - performance.now());
      const result = await probe(url, Math.min(PROBE_TIMEOUT.most, left), signal);
      return result.ok ? undefined : result.reason;
    },
    { hold: stable, begin: Math.max(0, timeout - stable), pauses: { first: every, longest: every } },
    signal,
  );
}

/**
 * Probe an application that is well until it is not, or the time is over.
 * @param until on the clock of performance.now()
 * @returns what is wrong; undefined when nothing was
 * @throws the signal's reason when it is aborted
 */
export async function probeUntilFailure(
  { url, every = 200, probe = probeHttp }: VerifyOptions,
  until: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (performance.now() < until) {
    await pause(every, signal);
    const result = await probe(url, PROBE_TIMEOUT.most, signal);
    signal.throwIfAborted();
    if (!result.ok) return result.reason;
  }
  return undefined;
}
