/** The topz sidecar's program. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { runSidecar, type Kit } from '#kit/life/sidecar.ts';
import { translateArguments } from './command-line.ts';
import { contract } from './contract.ts';
import { createMask } from './mask/mask.ts';
import { updateGroupMetrics } from './metrics.ts';
import { Users } from './proc/users.ts';
import { Sampler } from './sampling/sampler.ts';
import { serveTopz } from './server.ts';

async function job({
  parameters,
  log,
  metrics,
  readiness,
  shutdown,
  beforeMetrics,
  metricsText,
}: Kit<typeof contract.parameters, typeof contract.metrics>): Promise<void> {
  const pattern = maskPattern(parameters.TOPZ_MASK_PATTERN);
  if (!parameters.TOPZ_MASK) log.warn('command lines are shown with the secrets that they hold');
  const seen = readiness.check('processes', Math.max(60_000, parameters.TOPZ_SAMPLE_PERIOD * 3));
  let told: string | undefined;
  const sampler = new Sampler({
    mask: createMask({ enabled: parameters.TOPZ_MASK, pattern }),
    maxProcesses: parameters.TOPZ_MAX_PROCESSES,
    maxGroups: parameters.TOPZ_MAX_CONTAINERS,
    names: namesOf(parameters.TOPZ_NAMES ?? []),
    period: parameters.TOPZ_SAMPLE_PERIOD,
    span: parameters.TOPZ_HISTORY,
    onScan: ({ milliseconds, vanished, problem }) => {
      metrics.topz_scan_duration_seconds.observe(milliseconds / 1000);
      metrics.topz_processes_vanished_total.inc(vanished);
      if (problem === undefined) seen.pass();
      else seen.fail(problem);
      if (problem !== undefined && problem !== told) log.error(problem);
      told = problem;
    },
  });
  beforeMetrics(() => updateGroupMetrics(metrics, sampler.look()));
  sampler.start();
  shutdown.step('samples', () => sampler.stop());
  const server = await serveTopz({
    address: parameters.TOPZ_ADDRESS,
    hosts: parameters.TOPZ_HOSTS ?? [],
    sampler,
    users: new Users(),
    assets: { script: asset('page.js'), style: asset('page.css') },
    metrics: metricsText,
  });
  shutdown.step('page', () => {
    server.close();
    server.closeIdleConnections();
  });
  log.info({ address: parameters.TOPZ_ADDRESS }, 'listening');
}

/** `ID=NAME` by the 12 digits by which containers are told apart. */
function namesOf(pairs: readonly string[]): Map<string, string> {
  return new Map(pairs.map((pair) => [pair.slice(0, 12), pair.slice(pair.indexOf('=') + 1)]));
}

/** @throws {ConfigurationError} for what is no regular expression, or would match between any two characters */
function maskPattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  const refuse = (wrong: string): never => {
    const message = `TOPZ_MASK_PATTERN: ${wrong}; accepted is a regular expression in JavaScript syntax`;
    throw new ConfigurationError([{ parameter: 'TOPZ_MASK_PATTERN', reason: 'malformed', message }]);
  };
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, 'g');
  } catch (error) {
    return refuse((error as Error).message);
  }
  return ''.search(pattern) === 0 ? refuse('it matches the empty text') : pattern;
}

/** What the page loads lies beside the program, as both are bundled. */
const asset = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

await runSidecar(contract, job, { args: translateArguments(process.argv.slice(2)) });
