/**
 * Log lines after the Elastic Common Schema 8 (https://www.elastic.co/docs/reference/ecs): what the schema has no name for is a label.
 * Names are written with their dots, as the schema allows, so that a line and the logger that it came from never hold
 * the same object twice.
 */

type Fields = Readonly<Record<string, unknown>>;

export const ECS_VERSION = '8.17.0';

/** Of lines that tell of a request or a connection, in access logs. */
const ACCESS: Readonly<Record<string, string>> = {
  method: 'http.request.method',
  status: 'http.response.status_code',
  requestBytes: 'http.request.body.bytes',
  responseBytes: 'http.response.body.bytes',
  path: 'url.path',
  authority: 'url.domain',
  client: 'client.address',
  upstream: 'server.address',
  began: 'event.start',
  cause: 'event.reason',
};

/** Of all lines. */
const NAMES: Readonly<Record<string, string>> = {
  traceId: 'trace.id',
  spanId: 'span.id',
  reason: 'event.reason',
  pid: 'process.pid',
};

/** Of what the logger itself writes, and of members that become several. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  level: ['log.level'],
  time: ['@timestamp'],
  sidecar: ['service.name'],
  msg: ['message'],
  err: ['error.type', 'error.message', 'error.stack_trace'],
  error: ['error.message'],
};
const OF_REQUEST = ['http.request.method', 'url.path'];

/** What a member of a line is called. @param access of a line that tells of a request or a connection */
export function ecsNames(name: string, access: boolean): readonly string[] {
  if (access && name === 'request') return OF_REQUEST;
  if (access && name === 'durationMs') return ['event.duration'];
  return OTHERS[name] ?? [(access ? ACCESS[name] : undefined) ?? NAMES[name] ?? `labels.${name}`];
}

/** A line's own members by the schema's names. */
export function ecsFields(fields: Fields): Record<string, unknown> {
  const request = 'status' in fields && ('method' in fields || 'request' in fields);
  const access = request || ('durationMs' in fields && 'client' in fields);
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (value instanceof Error) Object.assign(named, errorFields(value));
    else if (name === 'error' || name === 'err') named['error.message'] = textOf(value);
    else if (access && name === 'request') Object.assign(named, requestFields(textOf(value)));
    else if (access && name === 'durationMs') named['event.duration'] = Math.round(Number(value) * 1e6);
    else if (access && Object.hasOwn(ACCESS, name)) named[ACCESS[name]!] = value;
    else if (Object.hasOwn(NAMES, name)) named[NAMES[name]!] = textOf(value);
    // Those that have a name of the schema, or of OpenTelemetry, already.
    else if (name.includes('.')) named[name] = value;
    else named[`labels.${name}`] = textOf(value);
  }
  return named;
}

function errorFields({ name, message, stack }: Error): Fields {
  return { 'error.type': name, 'error.message': message, ...(stack !== undefined && { 'error.stack_trace': stack }) };
}

function requestFields(request: string): Fields {
  const blank = request.indexOf(' ');
  return { 'http.request.method': request.slice(0, blank), 'url.path': request.slice(blank + 1) };
}

/** Labels and reasons are keywords. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
