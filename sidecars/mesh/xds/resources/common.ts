/** From xDS' common messages to the model's plain values. */
import type { HeaderMatch, StringMatch } from '../../model/match.ts';
import type { HeaderEdits, RateLimit } from '../../model/policy.ts';
import { decode, type Kind, type Read } from '../wire/protobuf.ts';
import {
  LocalRateLimit,
  type Any,
  type DurationMessage,
  type HeaderMatcher,
  type HeaderValueOptionMessage,
  type MetadataMessage,
  type PercentageMessage,
  type StringMatcher,
  type StructOf,
} from '../wire/schema.ts';

/** A resource says something that this proxy cannot do: it is refused, with this sentence. */
export class ResourceRefused extends Error {}

/** Where the control plane puts what xDS has no field for. */
export const METADATA = 'sidecar-stacks.mesh';

export const milliseconds = (duration: DurationMessage | undefined): number | undefined =>
  duration && (duration.seconds ?? 0) * 1000 + (duration.nanos ?? 0) / 1e6;

/** Longer timers fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** The same of what a timer waits for: 24 days where it is longer. */
export const timer = (duration: DurationMessage | undefined): number | undefined =>
  duration && Math.min(milliseconds(duration)!, LONGEST_TIMER);

const DENOMINATORS = [100, 10_000, 1_000_000];
export const percent = (fraction: PercentageMessage | undefined): number =>
  fraction ? ((fraction.numerator ?? 0) / (DENOMINATORS[fraction.denominator ?? 0] ?? 100)) * 100 : 100;

/** The number in a wrapper, which leaves out a 0. */
export const unwrap = (wrapped: { readonly value: number | undefined } | undefined): number | undefined =>
  wrapped && (wrapped.value ?? 0);

/** Without what is undefined, as the model has it. */
export function defined<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** What is packed in an Any. @throws {ResourceRefused} when it is of another type */
export function unpack<T>(any: Read<typeof Any> | undefined, type: string, kind: Kind<T>): T {
  if (!any?.type_url?.endsWith(`/${type}`))
    throw new ResourceRefused(`${type} is wanted, not ${any?.type_url ?? 'nothing'}`);
  return decode(kind, any.value ?? Buffer.alloc(0));
}

export const isOf = (any: Read<typeof Any> | undefined, type: string): boolean =>
  any?.type_url?.endsWith(`/${type}`) ?? false;

/** @throws {ResourceRefused} for a kind that is not known */
export function stringMatch(matcher: Read<typeof StringMatcher> | undefined): StringMatch {
  const {
    exact,
    prefix,
    suffix,
    contains,
    safe_regex: regex,
    ignore_case,
  } = matcher ?? ({} as Partial<Read<typeof StringMatcher>>);
  const folded = ignore_case === true ? { ignoreCase: true } : {};
  if (exact !== undefined) return { exact, ...folded };
  if (prefix !== undefined) return { prefix, ...folded };
  if (suffix !== undefined) return { suffix, ...folded };
  if (contains !== undefined) return { contains, ...folded };
  if (regex !== undefined) return { regex: regex.regex ?? '' };
  throw new ResourceRefused('a string matcher of a kind that is not known here');
}

/** @throws {ResourceRefused} for a kind that is not known */
export function headerMatch(matcher: Read<typeof HeaderMatcher>): HeaderMatch {
  const { name = '', invert_match, present_match, range_match, string_match } = matcher;
  const invert = (invert_match === true) !== (present_match === false) ? { invert: true } : {};
  if (string_match) return { name, value: stringMatch(string_match), ...invert };
  if (range_match) return { name, range: { from: range_match.start ?? 0, to: range_match.end ?? 0 }, ...invert };
  return { name, ...invert };
}

const OVERWRITE = 2;

/** Undefined where nothing is changed. */
export function headerEdits(
  options: readonly HeaderValueOptionMessage[],
  remove: readonly string[],
): HeaderEdits | undefined {
  const pairs = (overwrite: boolean): Record<string, string> | undefined => {
    const chosen = options.filter(({ append_action }) => (append_action === OVERWRITE) === overwrite);
    if (chosen.length === 0) return undefined;
    return Object.fromEntries(chosen.map(({ header }) => [header?.key ?? '', header?.value ?? '']));
  };
  const edits = defined({ set: pairs(true), add: pairs(false), remove: remove.length > 0 ? remove : undefined });
  return Object.keys(edits).length > 0 ? edits : undefined;
}

/** Undefined for a filter that limits nothing. */
export function rateLimit(any: Read<typeof Any> | undefined): RateLimit | undefined {
  const { token_bucket: bucket } = unpack(
    any,
    'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
    LocalRateLimit,
  );
  if (!bucket) return undefined;
  return {
    maxTokens: bucket.max_tokens ?? 0,
    tokensPerFill: unwrap(bucket.tokens_per_fill) ?? 1,
    fillInterval: milliseconds(bucket.fill_interval) ?? 1000,
  };
}

/** Our own metadata as plain data. */
export function metadata(value: MetadataMessage | undefined): Readonly<Record<string, unknown>> {
  const own = value?.filter_metadata[METADATA];
  return own ? plain(own) : {};
}

type Value = StructOf['fields'][string];

export const plain = ({ fields }: StructOf): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plainValue(value)]));

const plainValue = ({ stringValue, numberValue, boolValue, structValue, listValue }: Value): unknown =>
  stringValue ??
  numberValue ??
  boolValue ??
  (structValue && plain(structValue)) ??
  listValue?.values.map(plainValue) ??
  null;
