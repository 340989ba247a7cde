/** Is the application well with what was published? */
import { pause } from '#kit/backoff.ts';
import { httpProbe, type ProbeResult } from '#kit/probes.ts';

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
    const result = await probe(url, Math.min(PROBE_TIMEOUT, Math.max(1, deadline - begun)), signal);
    signal.throwIfAborted();
    if (result.ok) since ??= begun;
    else {
      since = undefined;
      reason = result.reason;
    }
    const now = performance.now();
    if (since !== undefined && now - since >= stable) return undefined;
    // Not a last probe in the time that is left: that it had no time would be all that it could say.
    const possible = since === undefined ? now + every + stable : since + stable;
    if (possible > deadline) return reason;
    await pause(every, signal);
  }
}
