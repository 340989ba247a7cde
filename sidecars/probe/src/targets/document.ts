/**
 * The targets as a YAML document: a list of containers with the fields of Kubernetes' pod spec
 * (`livenessProbe` and `startupProbe` of v1.Container: httpGet, tcpSocket, initialDelaySeconds, periodSeconds,
 * timeoutSeconds, failureThreshold, successThreshold, terminationGracePeriodSeconds), and two of our
 * own: `process`, by which a container is found, and the probe `process`, since nothing can be run
 * inside another container.
 */
import { parse, YAMLError } from 'yaml';
import { structureProblem } from '#kit/text/structure.ts';
import { Fields } from './fields.ts';
import type { Check, Probe, Target, Timing } from './target.ts';

/** Everything that is wrong with a document, one sentence each. */
export class DocumentError extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.name = 'DocumentError';
    this.mistakes = mistakes;
  }
}

const CONTAINER = ['name', 'process', 'livenessProbe', 'startupProbe'];
const HANDLERS = ['httpGet', 'tcpSocket', 'process'];
const PROBE = [
  ...HANDLERS,
  'initialDelaySeconds',
  'periodSeconds',
  'timeoutSeconds',
  'failureThreshold',
  'successThreshold',
  'terminationGracePeriodSeconds',
];
const PROCESS_NAME = /^[\w.@+-]+$/;
const A_PROCESS = 'the name of a process, such as nginx or app.py';
const HOST = /^(?:[\w.-]+|[0-9a-fA-F:]+)$/;
const MAX_TARGETS = 100;
/** A day: as long as a timer may run. */
const MAX_SECONDS = 86_400;

/**
 * Read a document.
 * @param text YAML
 * @param defaults for what a probe does not say
 * @throws {DocumentError} with all that is wrong
 */
export function parseDocument(text: string, defaults: Timing): Target[] {
  const list = load(text);
  if (!Array.isArray(list) || list.length === 0)
    throw new DocumentError(['the document is not a list of containers (- name: …)']);
  if (list.length > MAX_TARGETS) throw new DocumentError([`more than ${MAX_TARGETS} containers`]);
  const mistakes: string[] = [];
  const targets = list.flatMap((each, index) => readContainer(each, `[${index}]`, defaults, mistakes) ?? []);
  const names = targets.map(({ name }) => name);
  for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index)))
    mistakes.push(`the name ${name} is given twice`);
  if (mistakes.length > 0) throw new DocumentError(mistakes);
  return targets;
}

function load(text: string): unknown {
  try {
    const value: unknown = parse(text, { merge: true, prettyErrors: false, logLevel: 'error' });
    const problem = structureProblem(value);
    if (problem !== undefined) throw new ReferenceError(problem);
    return value;
  } catch (error) {
    // Too many aliases are a ReferenceError, too.
    if (error instanceof YAMLError || error instanceof ReferenceError)
      throw new DocumentError([`no YAML: ${error.message}`]);
    throw error;
  }
}

function readContainer(value: unknown, where: string, defaults: Timing, mistakes: string[]): Target | undefined {
  const fields = new Fields(value, where, CONTAINER, mistakes);
  const name = fields.text('name', /^[a-z0-9]([\w.-]*[a-z0-9])?$/i, 'a name of letters, digits, dots and dashes');
  if (!fields.has('name')) fields.wrong('name', 'is missing');
  const process = fields.text('process', PROCESS_NAME, A_PROCESS) ?? name;
  if (!fields.has('livenessProbe')) fields.wrong('livenessProbe', 'is missing');
  const liveness = readProbe(fields, 'livenessProbe', process, defaults);
  const startup = readProbe(fields, 'startupProbe', process, defaults);
  if (name === undefined || process === undefined || !liveness) return undefined;
  return { name, process, ...liveness, ...(startup && { startup }) };
}

/** @param process what the probe `process` is about where it names none; undefined where that is wrong itself */
function readProbe(
  container: Fields,
  name: 'livenessProbe' | 'startupProbe',
  process: string | undefined,
  defaults: Timing,
): Probe | undefined {
  const probe = container.within(name, PROBE);
  if (!probe || process === undefined) return undefined;
  const check = readCheck(probe, process);
  const timing = readTiming(probe, name, defaults);
  return check && { check, ...timing };
}

function readCheck(probe: Fields, process: string): Check | undefined {
  const given = HANDLERS.filter((name) => probe.has(name));
  if (given.length !== 1) {
    probe.wrong('', `has ${given.length === 0 ? 'none' : given.join(' and ')} of ${HANDLERS.join(', ')}; it needs one`);
    return undefined;
  }
  const http = probe.within('httpGet', ['host', 'port', 'path', 'scheme', 'httpHeaders']);
  if (http) return readHttp(http);
  const tcp = probe.within('tcpSocket', ['host', 'port']);
  if (tcp) {
    const port = readPort(tcp);
    return port === undefined ? undefined : { kind: 'tcp', host: readHost(tcp), port };
  }
  const own = probe.within('process', ['name']);
  return { kind: 'process', name: own?.text('name', PROCESS_NAME, A_PROCESS) ?? process };
}

function readHttp(http: Fields): Check | undefined {
  const port = readPort(http);
  const path = http.text('path', /^\/[\x21-\x7e]*$/, 'a path that begins with /') ?? '/';
  http.text('scheme', /^HTTP$/, 'HTTP; for HTTPS use tcpSocket, or a plain admin port');
  const host = readHost(http);
  const headers = readHeaders(http);
  if (port === undefined) return undefined;
  return { kind: 'http', url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`, headers };
}

function readPort(fields: Fields): number | undefined {
  if (!fields.has('port')) fields.wrong('port', 'is missing');
  return fields.integer('port', 1, 65_535);
}

/** The pod's loopback address: unlike a kubelet, we are inside. */
const readHost = (fields: Fields): string => fields.text('host', HOST, 'a host name or IP address') ?? '127.0.0.1';

function readHeaders(http: Fields): Record<string, string> {
  const list = http.value('httpHeaders') ?? [];
  if (!Array.isArray(list)) {
    http.wrong('httpHeaders', 'is not a list of mappings with name and value');
    return {};
  }
  const pairs = list.map((each, index): [string, string] => {
    const fields = http.item(each, `httpHeaders[${index}]`, ['name', 'value']);
    const name = fields.text('name', /^[!#$%&'*+.^_`|~\w-]+$/, 'a header name');
    const value = fields.text('value', /^[\x20-\x7e]*$/, 'printable text');
    if (!fields.has('name')) fields.wrong('name', 'is missing');
    return [name ?? '', value ?? ''];
  });
  return Object.fromEntries(pairs);
}

function readTiming(probe: Fields, name: string, defaults: Timing): Timing {
  const seconds = (field: string, min: number, other: number): number => {
    const value = probe.integer(field, min, MAX_SECONDS);
    return value === undefined ? other : value * 1000;
  };
  // As in Kubernetes: one success is enough for either.
  const success = probe.integer('successThreshold', 1, 1000);
  if (success !== undefined && success !== 1)
    probe.wrong('successThreshold', `is ${success}; accepted is 1 for a ${name}`);
  return {
    initialDelay: seconds('initialDelaySeconds', 0, defaults.initialDelay),
    period: seconds('periodSeconds', 1, defaults.period),
    timeout: seconds('timeoutSeconds', 1, defaults.timeout),
    failureThreshold: probe.integer('failureThreshold', 1, 1000) ?? defaults.failureThreshold,
    gracePeriod: seconds('terminationGracePeriodSeconds', 0, defaults.gracePeriod),
  };
}
