/** What lines on stdout hold, one JSON object each: part of the contract, since pipelines and searches name its members. */
import { ecsNames, ECS_VERSION } from '../telemetry/ecs.ts';
import { LOG_LEVELS, type LogFormat } from '../telemetry/log.ts';

/** `error` is an object with `type` and `message` for `json`, and members of their own for `ecs`. */
type LogType = 'level' | 'time' | 'text' | 'count' | 'number' | 'boolean' | 'error' | 'trace-id' | 'span-id';

interface LogMember {
  readonly type: LogType;
  readonly description: string;
  /** On each line. */
  readonly always?: true;
}

/** Members of a line by their names with LOG_FORMAT=json. */
export type LogMembers = Readonly<Record<string, LogMember>>;

/** A member as the contract shows it. */
export interface LogField extends LogMember {
  /** Its names with LOG_FORMAT=ecs. */
  readonly ecs: readonly string[];
}

export type LogFields = Readonly<Record<string, LogField>>;

export interface Logs {
  /** Lines of the sidecar itself. Further members of a line are details of its event: `labels.NAME` with LOG_FORMAT=ecs. */
  readonly own: LogFields;
  /** Lines of requests and connections, by their message; they have no members besides. */
  readonly access?: { readonly message: string; readonly fields: LogFields };
}

/** Of each line. */
const COMMON = {
  level: { type: 'level', description: 'How bad it is', always: true },
  time: { type: 'time', description: 'When it was written, in UTC', always: true },
  sidecar: { type: 'text', description: 'The sidecar’s name', always: true },
  worker: { type: 'count', description: 'The worker that wrote it, where there are several processes' },
  msg: { type: 'text', description: 'What happened' },
} as const satisfies LogMembers;

export const TRACE_MEMBERS = {
  traceId: { type: 'trace-id', description: 'The trace of the request (W3C Trace Context)' },
  spanId: { type: 'span-id', description: 'This hop’s span of it' },
} as const satisfies LogMembers;

const OWN = {
  ...COMMON,
  err: { type: 'error', description: 'The error with its stack' },
  error: { type: 'text', description: 'The error’s sentence' },
  reason: { type: 'text', description: 'Why' },
  ...TRACE_MEMBERS,
} as const satisfies LogMembers;

/** The section of a contract. @param access members of access lines, without those of all lines */
export function logsOf(access: { readonly message: string; readonly members: LogMembers } | undefined): Logs {
  const fields = (members: LogMembers, ofAccess: boolean): LogFields =>
    Object.fromEntries(
      Object.entries(members).map(([name, member]) => [name, { ...member, ecs: ecsNames(name, ofAccess) }]),
    );
  const own = fields(OWN, false);
  if (access === undefined) return { own };
  return { own, access: { message: access.message, fields: fields({ ...COMMON, ...access.members }, true) } };
}

const TEXT = { type: 'string' };
/** Of the JSON values; with `ecs` all labels are texts. */
const SCHEMAS: Readonly<Record<LogType, object>> = {
  level: { enum: LOG_LEVELS.filter((level) => level !== 'silent') },
  time: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$` },
  text: TEXT,
  count: { type: 'integer', minimum: 0 },
  number: { type: 'number', minimum: 0 },
  boolean: { type: 'boolean' },
  error: { type: 'object', required: ['type', 'message'], properties: { type: TEXT, message: TEXT } },
  'trace-id': { type: 'string', pattern: '^[0-9a-f]{32}$' },
  'span-id': { type: 'string', pattern: '^[0-9a-f]{16}$' },
};

/**
 * A JSON Schema (2020-12) of lines.
 * @param kind those of the sidecar itself, or of requests @param fields of the contract
 */
export function logSchema(kind: keyof Logs, fields: LogFields, format: LogFormat): object {
  const ecs = format === 'ecs';
  const properties: Record<string, object> = ecs ? { 'ecs.version': { const: ECS_VERSION } } : {};
  const required = Object.keys(properties);
  for (const [name, field] of Object.entries(fields))
    for (const shown of ecs ? field.ecs : [name]) {
      properties[shown] = ecs ? ecsSchema(shown, field.type) : SCHEMAS[field.type];
      if (field.always) required.push(shown);
    }
  const others = ecs ? { patternProperties: { [String.raw`^labels\.\w+$`]: { type: 'string' } } } : {};
  return {
    type: 'object',
    required,
    properties,
    ...(kind === 'own' ? { ...others, additionalProperties: !ecs } : { additionalProperties: false }),
  };
}

function ecsSchema(name: string, type: LogType): object {
  if (name.startsWith('labels.') || type === 'error') return SCHEMAS.text;
  // Durations are whole nanoseconds.
  return name === 'event.duration' ? SCHEMAS.count : SCHEMAS[type];
}
