/** Is the application well with what was published? */
import { pause } from '../../kit/backoff.ts';
import { httpProbe, type ProbeResult } from '../../kit/probes.ts';

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

/** One probe's patience in milliseconds: who takes longer is not well. */
const PROBE_TIMEOUT = 5000;

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
  let since: number | undefined;
  let reason = 'it was not well for long enough';
  for (;;) {
    const begun = performance.now();
    const left = deadline - begun;
    const result = left > 0 ? await probe(url, Math.min(PROBE_TIMEOUT, left), signal) : undefined;
    signal.throwIfAborted();
    if (result?.ok) since ??= begun;
    else {
      since = undefined;
      if (result) reason = result.reason;
    }
    if (since !== undefined && performance.now() - since >= stable) return undefined;
    if (performance.now() >= deadline) return reason;
    await pause(Math.min(every, Math.max(1, deadline - performance.now())), signal);
  }
}
