/** One look at a target. */
import { findProcesses } from '#kit/process/processes.ts';
import { httpProbe, tcpProbe, type ProbeResult } from '#kit/net/probes.ts';
import { controlGroup } from '#kit/process/processes.ts';
import type { Probe } from '../targets/target.ts';
import type { Container } from './container.ts';

/** States of proc(5) in which a process gets nothing done, in words. */
const STUCK: Readonly<Record<string, string>> = {
  T: 'is stopped',
  t: 'is stopped by a debugger',
  D: 'waits for a device',
  Z: 'is dead',
  X: 'is dead',
};

/**
 * Look once. Never throws, and never takes longer than the probe's timeout.
 * @param signal ends it early, which counts as a failure
 */
export async function probe(
  { check, timeout }: Pick<Probe, 'check' | 'timeout'>,
  container: Container,
  signal: AbortSignal,
  proc = '/proc',
): Promise<ProbeResult> {
  switch (check.kind) {
    case 'http':
      return await httpProbe({ url: check.url, headers: check.headers, timeout, signal });
    case 'tcp':
      return await tcpProbe({ host: check.host, port: check.port, timeout, signal });
    case 'process':
      return probeProcess(check.name, container, proc);
  }
}

/** Well is a container that runs the process, and lets it run. */
function probeProcess(name: string, { group }: Container, proc: string): ProbeResult {
  const started = performance.now();
  const mine = findProcesses(name, proc).filter(({ pid }) => controlGroup(pid, proc) === group);
  const ms = performance.now() - started;
  if (mine.length === 0) return { ok: false, ms, reason: `there is no process ${name}` };
  const stuck = mine.find(({ state }) => Object.hasOwn(STUCK, state));
  if (!stuck) return { ok: true, ms };
  return { ok: false, ms, reason: `process ${name} (${stuck.pid}) ${STUCK[stuck.state]}` };
}
