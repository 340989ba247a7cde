/**
 * What etcd's JSON gateway answers, checked: a proxy before it, another server at its address, or a
 * later version may answer anything with 200.
 * Source: https://etcd.io/docs/v3.5/dev-guide/api_reference_v3/ ; proto3's JSON leaves out what is zero.
 */
import { SourceError } from './source.ts';

/** The answer to a range request for one key. */
export interface RangeAnswer {
  /** The store's revision. */
  readonly revision: number;
  readonly found: { readonly revision: number; /** In base64. */ readonly value: string } | undefined;
}

/** One line of a watch. */
export interface WatchFrame {
  /** Why the gateway broke it off. */
  readonly error: string | undefined;
  readonly created: boolean;
  /** etcd ended it; `compacted` is the revision before which its history is gone, 0 when that is not why. */
  readonly canceled: { readonly reason: string; readonly compacted: number } | undefined;
  readonly changes: readonly { readonly key: string; readonly revision: number }[];
}

/** What an error says of itself. */
export interface Refusal {
  readonly code: number | undefined;
  readonly message: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws {SourceError} malformed */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new SourceError('malformed', 'the answer of etcd is not JSON', { cause: error });
  }
}

/** @throws {SourceError} malformed */
export function rangeAnswer(answer: unknown): RangeAnswer {
  const { header, kvs } = fieldsOf(answer, 'its answer');
  const revision = revisionOf(fieldsOf(header, 'the header').revision, 'the revision of the header');
  const [first] = listOf(kvs, 'kvs');
  if (first === undefined) return { revision, found: undefined };
  const { mod_revision, value = '' } = fieldsOf(first, 'a key');
  if (typeof value !== 'string') throw malformed('a value is no text');
  return { revision, found: { revision: revisionOf(mod_revision, 'mod_revision'), value } };
}

/** @throws {SourceError} malformed */
export function watchFrame(frame: unknown): WatchFrame {
  const { result, error } = fieldsOf(frame, 'a frame of the watch');
  const nothing = { error: undefined, created: false, canceled: undefined, changes: [] };
  if (error !== undefined && error !== null)
    return { ...nothing, error: refusalOf(error).message ?? 'etcd broke it off' };
  const { created, canceled, cancel_reason, compact_revision, events } = fieldsOf(result, 'the result of the watch');
  if (canceled === true) {
    const compacted = compact_revision === undefined ? 0 : revisionOf(compact_revision, 'compact_revision');
    return { ...nothing, canceled: { reason: textOf(cancel_reason) ?? 'no reason given', compacted } };
  }
  const changes = listOf(events, 'events').map((event) => {
    const { key, mod_revision } = fieldsOf(fieldsOf(event, 'an event').kv, 'the key of an event');
    if (typeof key !== 'string') throw malformed('the key of an event is no text');
    const name = Buffer.from(key, 'base64').toString('utf8');
    return { key: name, revision: revisionOf(mod_revision, 'mod_revision') };
  });
  return { ...nothing, created: created === true, changes };
}

/** What an answer that is an error says; nothing where it says nothing. */
export function refusalOf(answer: unknown): Refusal {
  const { code, message } = isFields(answer) ? answer : {};
  return { code: typeof code === 'number' ? code : undefined, message: textOf(message) };
}

/** The token of a login; undefined when there is none. */
export const tokenOf = (answer: unknown): string | undefined =>
  isFields(answer) && typeof answer['token'] === 'string' && /^[\x21-\x7e]+$/.test(answer['token'])
    ? answer['token']
    : undefined;

/** Longest text of etcd that is told on. */
const TEXT_MAX = 500;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, TEXT_MAX) : undefined;

const malformed = (what: string): SourceError => new SourceError('malformed', `the answer is not etcd's: ${what}`);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fieldsOf(value: unknown, what: string): Fields & { [name: string]: unknown } {
  if (!isFields(value)) throw malformed(`${what} is no object`);
  return value;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(`${what} is no list`);
  return value;
}

/** 64-bit numbers are strings in proto3's JSON; etcd's revisions fit into a number for some thousand years. */
function revisionOf(value: unknown, what: string): number {
  const revision = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 0)
    throw malformed(`${what} is no number`);
  return revision;
}
