/** The targets, from whichever parameters name them. */
import { readFileSync } from 'node:fs';
import { unreadable } from '#kit/files/remedy.ts';
import { ConfigurationError, type Problem, type Values } from '#kit/contract/parameters.ts';
import type { contract } from '../contract.ts';
import { DocumentError, parseDocument } from './document.ts';
import type { Check, Probe, Target, Timing } from './target.ts';

type Parameters = Values<typeof contract.parameters>;

/** What a document may have at most, in bytes: a list of a hundred containers has a tenth of it. */
const MAX_DOCUMENT = 256 * 1024;
const SOURCES = ['PROBE_TARGETS', 'PROBE_TARGETS_FILE', 'PROBE_TARGET'] as const;

/**
 * The targets that the parameters name.
 * @throws {ConfigurationError} when there are none, or when they are wrong
 */
export function readTargets(parameters: Parameters): Target[] {
  const given = SOURCES.filter((name) => parameters[name] !== undefined);
  const [source] = given;
  if (source === undefined)
    throw problem('PROBE_TARGETS', 'missing', `nothing to watch: set one of ${SOURCES.join(', ')}`);
  if (given.length > 1) throw problem(source, 'conflict', `${given.join(' and ')} are set: keep one`);
  const defaults: Timing = {
    initialDelay: parameters.PROBE_INITIAL_DELAY,
    period: parameters.PROBE_PERIOD,
    timeout: parameters.PROBE_TIMEOUT,
    failureThreshold: parameters.PROBE_FAILURE_THRESHOLD,
    gracePeriod: parameters.PROBE_GRACE_PERIOD,
  };
  const process = parameters.PROBE_TARGET;
  if (process !== undefined) {
    const liveness: Probe = { check: parseCheck(parameters.PROBE_CHECK, process), ...defaults };
    const failureThreshold = parameters.PROBE_STARTUP_FAILURE_THRESHOLD;
    const startup = failureThreshold > 0 && { startup: { ...liveness, failureThreshold } };
    return [{ name: process, process, ...liveness, ...startup }];
  }
  try {
    return parseDocument(parameters.PROBE_TARGETS ?? readDocument(parameters.PROBE_TARGETS_FILE!), defaults);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    throw new ConfigurationError(
      error.mistakes.map((mistake) => ({
        parameter: source,
        reason: 'malformed',
        message: `${source}: ${mistake}`,
      })),
    );
  }
}

/**
 * The short form of a check.
 * @param text as PROBE_CHECK's pattern lets through
 * @param process what `process` alone means
 * @throws {ConfigurationError} when it looks like an address and is none
 */
export function parseCheck(text: string, process: string): Check {
  if (text === 'process') return { kind: 'process', name: process };
  if (text.startsWith('process:')) return { kind: 'process', name: text.slice('process:'.length) };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url?.hostname || (url.protocol === 'tcp:' && !(Number(url.port) >= 1)))
    throw problem('PROBE_CHECK', 'malformed', `PROBE_CHECK: ${JSON.stringify(text)} is no address`);
  if (url.protocol === 'tcp:')
    return { kind: 'tcp', host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) };
  return { kind: 'http', url: url.href, headers: {} };
}

function readDocument(path: string): string {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw problem('PROBE_TARGETS_FILE', 'unreadable', `PROBE_TARGETS_FILE: ${unreadable(path, error)}`);
  }
  if (content.length > MAX_DOCUMENT)
    throw problem('PROBE_TARGETS_FILE', 'malformed', `PROBE_TARGETS_FILE: ${path} has more than ${MAX_DOCUMENT} bytes`);
  return content.toString('utf8');
}

const problem = (parameter: string, reason: Problem['reason'], message: string): ConfigurationError =>
  new ConfigurationError([{ parameter, reason, message }]);
