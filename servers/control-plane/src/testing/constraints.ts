/**
 * What Envoy demands of a message before it looks at what it means: the constraints that its .proto files carry
 * (protoc-gen-validate). A rule of a kind that is not known here throws, so that none is passed over.
 *
 * https://github.com/bufbuild/protoc-gen-validate#constraint-rules
 */
import protobuf from 'protobufjs';
import { loadProtos } from '../xds/resources/protos.ts';
import { MESSAGE_FILES } from '../xds/resources/messages.ts';

let root: protobuf.Root | undefined;

/** A type by its full name. @throws when no file declares it */
export function typeNamed(name: string): protobuf.Type {
  root ??= loadProtos([...MESSAGE_FILES, 'envoy/config/bootstrap/v3/bootstrap.proto']);
  return root.lookupType(name);
}

/**
 * All that a message must not be, with what is packed inside it.
 * @returns a line for each: `Cluster.name: min_len 1`
 * @throws for types and rules that are not known here, and for bytes that are no such message
 */
export function violations(name: string, bytes: Uint8Array): string[] {
  return ofMessage(typeNamed(name), typeNamed(name).decode(bytes) as unknown as Fields, name.split('.').at(-1)!);
}

type Fields = Readonly<Record<string, unknown>>;
type Rules = Readonly<Record<string, unknown>>;

function ofMessage(type: protobuf.Type, message: Fields, path: string): string[] {
  if (type.fullName === '.google.protobuf.Any') {
    const { type_url, value } = message as { type_url: string; value: Uint8Array };
    const name = type_url.slice(type_url.lastIndexOf('/') + 1);
    const packed = typeNamed(name);
    return ofMessage(packed, packed.decode(value) as unknown as Fields, `${path}<${packed.name}>`);
  }
  const choices = type.oneofsArray
    .filter(
      ({ options, oneof }) => options?.['(validate.required)'] === true && !oneof.some((each) => has(message, each)),
    )
    .map(({ name }) => `${path}.${name}: one is required`);
  return [...choices, ...type.fieldsArray.flatMap((field) => ofField(field, message, `${path}.${field.name}`))];
}

const has = (message: Fields, name: string): boolean => Object.hasOwn(message, name) && message[name] != null;

function ofField(field: protobuf.Field, message: Fields, path: string): string[] {
  const rules = rulesOf(field);
  const given = has(message, field.name);
  const value = message[field.name];
  const inside = (each: unknown, at: string): string[] =>
    field.resolvedType instanceof protobuf.Type ? ofMessage(field.resolvedType, each as Fields, at) : [];
  if (field instanceof protobuf.MapField) {
    const entries = Object.entries((value ?? {}) as Fields);
    const { keys, min_pairs, ...rest } = (rules['map'] ?? {}) as { keys?: Rules; min_pairs?: number };
    known(rest, path);
    return [
      ...(min_pairs !== undefined && entries.length < min_pairs ? [`${path}: min_pairs ${min_pairs}`] : []),
      ...entries.flatMap(([key, each]) => [
        ...ofValue(keys ?? {}, key, field, `${path} key`),
        ...inside(each, `${path}[${key}]`),
      ]),
    ];
  }
  if (field.repeated) {
    const all = (value ?? []) as unknown[];
    const {
      items,
      min_items = 0,
      max_items = Infinity,
      unique,
      ...rest
    } = (rules['repeated'] ?? {}) as {
      items?: Rules;
      min_items?: number;
      max_items?: number;
      unique?: boolean;
    };
    known(rest, path);
    return [
      ...(all.length < min_items ? [`${path}: min_items ${min_items}`] : []),
      ...(all.length > max_items ? [`${path}: max_items ${max_items}`] : []),
      ...(unique === true && new Set(all).size < all.length ? [`${path}: unique`] : []),
      ...all.flatMap((each, index) => [
        ...ofValue(items ?? {}, each, field, `${path}[${index}]`),
        ...inside(each, `${path}[${index}]`),
      ]),
    ];
  }
  if (field.resolvedType instanceof protobuf.Type) {
    if (given) return [...ofValue(rules, unwrapped(field.resolvedType, value), field, path), ...inside(value, path)];
    if (field.partOf !== null) return [];
    return ['message', 'duration', 'any'].some((kind) => (rules[kind] as Rules | undefined)?.['required'] === true)
      ? [`${path}: required`]
      : [];
  }
  // One of several that was not chosen has no value to look at.
  return field.partOf !== null && !given ? [] : ofValue(rules, given ? value : field.typeDefault, field, path);
}

/** google.protobuf.UInt32Value and the like stand for the value in them. */
const unwrapped = ({ fullName }: protobuf.Type, value: unknown): unknown =>
  /^\.google\.protobuf\.\w+Value$/.test(fullName) ? (value as { value: unknown }).value : value;

/** Options of a field, all that are said of it, merged. */
function rulesOf({ parsedOptions }: protobuf.Field): Rules {
  const merged: Record<string, unknown> = {};
  for (const option of (parsedOptions ?? []) as Record<string, Rules>[])
    for (const [kind, more] of Object.entries(option['(validate.rules)'] ?? {}))
      merged[kind] = { ...(merged[kind] as object | undefined), ...(more as object) };
  return merged;
}

type Check = (limit: unknown, value: unknown, rules: Rules) => boolean;
const number = (value: unknown): number =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
    ? 'toNumber' in value
      ? (value as { toNumber(): number }).toNumber()
      : nanoseconds(value)
    : Number(value);
/** Of a google.protobuf.Duration, or of a rule's. */
const nanoseconds = (duration: { seconds?: unknown; nanos?: number }): number =>
  number(duration.seconds ?? 0) * 1e9 + (duration.nanos ?? 0);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
const HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;
// eslint-disable-next-line no-control-regex
const HEADER_VALUE = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;
// eslint-disable-next-line no-control-regex
const LOOSE = /^[^\u0000\u000A\u000D]*$/;

/** By the rule's name: whether a value keeps to it. */
const CHECKS: Readonly<Record<string, Check>> = {
  required: () => true,
  const: (limit, value) => limit === value,
  gt: (limit, value) => number(value) > number(limit),
  gte: (limit, value) => number(value) >= number(limit),
  lt: (limit, value) => number(value) < number(limit),
  lte: (limit, value) => number(value) <= number(limit),
  in: (limit, value) => list(limit).includes(value),
  not_in: (limit, value) => !list(limit).map(Number).includes(Number(value)),
  min_len: (limit, value) => Array.from(value as string).length >= Number(limit),
  max_len: (limit, value) => Array.from(value as string).length <= Number(limit),
  max_bytes: (limit, value) => Buffer.byteLength(value as string) <= Number(limit),
  pattern: (limit, value) => new RegExp(limit as string, 'u').test(value as string),
  ignore_empty: () => true,
  strict: () => true,
  well_known_regex: (limit, value, { strict }) => {
    if (strict === false) return LOOSE.test(value as string);
    return (limit === 'HTTP_HEADER_NAME' ? HEADER_NAME : HEADER_VALUE).test(value as string);
  },
};

/** Of one value: `{ string: { min_len: 1 } }` */
function ofValue(rules: Rules, value: unknown, field: protobuf.Field, path: string): string[] {
  return Object.entries(rules).flatMap(([kind, each]) => {
    const limits = each as Rules;
    if (limits['ignore_empty'] === true && value === '') return [];
    return Object.entries(limits).flatMap(([rule, limit]) => {
      if (rule === 'skip') return [];
      const check = kind === 'enum' && rule === 'defined_only' ? isDefined(field) : CHECKS[rule];
      if (check === undefined) throw new Error(`${path}: the rule ${kind}.${rule} is not known here`);
      return check(limit, value, limits)
        ? []
        : [`${path}: ${rule} ${JSON.stringify(limit)}, not ${JSON.stringify(value)}`];
    });
  });
}

const isDefined =
  ({ resolvedType }: protobuf.Field): Check =>
  (_limit, value) =>
    (resolvedType as protobuf.Enum).valuesById[value as number] !== undefined;

function known(rest: object, path: string): void {
  const names = Object.keys(rest);
  if (names.length > 0) throw new Error(`${path}: the rules ${names.join(', ')} are not known here`);
}
