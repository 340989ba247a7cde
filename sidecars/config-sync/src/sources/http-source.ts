/** The config server: conditional reads, server-sent events, reports. */
import type { Answer } from '#kit/net/http-client.ts';
import { digestOf, type Identity } from '../documents/document.ts';
import { follow, refuse, type Connection } from './connection.ts';
import { EventStreamParser, EventTooLong } from './event-stream.ts';
import { SourceError, type Change, type Reading, type ReportEntry, type Source, type WatchOptions } from './source.ts';

export interface HttpSourceOptions {
  readonly connection: Connection;
  /** The bearer token; asked for each request, so that a file's new content counts. */
  readonly token: () => string | undefined;
  /** Name under which reports are made. */
  readonly sidecar: string;
  /** Largest document, in bytes. */
  readonly maxSize: number;
  /** How often the stream is to show that it lives, in milliseconds. */
  readonly heartbeat: number;
}

/** Heartbeats that the server makes, in milliseconds. */
const HEARTBEAT_MIN = 1000;
const HEARTBEAT_MAX = 60_000;

/** About as long as one report takes the server and its sender, in milliseconds; and the longest that one waits. */
const SPREAD_EACH = 5;
const SPREAD_MAX = 5000;
/** Of a server that does not say. */
const WATCHERS_UNKNOWN = 50;

/** Longest reason that a report may have. */
const REASON_MAX = 2000;

/** Of errors and answers to reports nothing is needed but the status. */
const ANSWER_MAX = 64 * 1024;

export class HttpSource implements Source {
  readonly #options: HttpSourceOptions;
  /** How many were told of the latest change. */
  #watchers = WATCHERS_UNKNOWN;

  constructor(options: HttpSourceOptions) {
    this.#options = options;
  }

  async read(key: string, known: Identity | undefined, signal: AbortSignal): Promise<Reading> {
    const { connection, maxSize } = this.#options;
    const path = `/v1/documents/${encodeURIComponent(key)}`;
    const headers = { ...this.#authorization(), ...(known?.version && { 'if-none-match': `"${known.version}"` }) };
    let answer: Answer;
    let headOnly = false;
    try {
      answer = await connection.ask(path, { headers, signal, maxBody: Math.max(maxSize, ANSWER_MAX) });
    } catch (error) {
      if (!(error instanceof SourceError) || error.reason !== 'too-large') throw error;
      // Its head says which version it is that is too large.
      answer = await connection.ask(path, { method: 'HEAD', headers: this.#authorization(), signal });
      headOnly = true;
    }
    const { status, headers: got, body } = answer;
    if (status === 304) return { kind: 'unchanged' };
    if (status === 404 || status === 410) return { kind: 'absent', resume: undefined };
    if (status !== 200) refuse(status, `reading ${key}`);
    const version = /^(?:W\/)?"([^"]+)"$/.exec(got.etag ?? '')?.[1];
    if (version === undefined) throw new SourceError('malformed', `reading ${key}: the answer has no ETag`);
    const told = /^(?:sha256:)?([0-9a-f]{64})$/.exec(String(got['x-config-digest'] ?? ''))?.[1];
    if (headOnly || body.length > maxSize) {
      const bytes = Number(got['content-length'] ?? body.length);
      const known = Number.isSafeInteger(bytes) ? bytes : undefined;
      return { kind: 'too-large', id: { version, digest: told ?? '' }, bytes: known };
    }
    const digest = digestOf(body);
    if (told !== undefined && told !== digest)
      throw new SourceError('corrupt', `reading ${key}: the content of version ${version} is not what its digest says`);
    const revision = Number(got['x-config-revision'] ?? Number.NaN);
    const at = Number.isSafeInteger(revision) ? revision : undefined;
    return { kind: 'document', document: { key, version, digest, content: body }, revision: at, resume: at };
  }

  async watch({ keys, since, onOpen, onChange, onReset, signal }: WatchOptions): Promise<never> {
    const { connection, heartbeat: wanted } = this.#options;
    const heartbeat = Math.round(Math.min(HEARTBEAT_MAX, Math.max(HEARTBEAT_MIN, wanted)));
    const headers = {
      ...this.#authorization(),
      accept: 'text/event-stream',
      ...(since !== undefined && { 'last-event-id': String(since) }),
    };
    const response = await connection.open(...wishOf(keys, `${heartbeat}ms`, headers, signal));
    try {
      if (response.statusCode !== 200) refuse(response.statusCode!, 'watching');
      const parser = new EventStreamParser(({ event, data }) => {
        if (event === 'reset') onReset();
        if (event !== 'change') return;
        const { change, watchers } = toldOf(data);
        this.#watchers = watchers ?? this.#watchers;
        onChange(change);
      });
      onOpen();
      return await follow(response, {
        // A late heartbeat is forgiven once.
        silence: heartbeat * 2 + 1000,
        signal,
        take: (chunk) => {
          try {
            parser.push(chunk);
          } catch (error) {
            if (!(error instanceof EventTooLong)) throw error;
            throw new SourceError('too-large', error.message);
          }
        },
      });
    } finally {
      response.destroy();
    }
  }

  readonly reportSpread = (): number => Math.min(SPREAD_MAX, (this.#watchers - 1) * SPREAD_EACH);

  readonly report = async (entry: ReportEntry, signal: AbortSignal): Promise<boolean> => {
    const { connection, sidecar } = this.#options;
    const { key, version, state } = entry;
    const reason = entry.reason?.slice(0, REASON_MAX);
    const { status } = await connection.ask(
      `/v1/documents/${encodeURIComponent(key)}/versions/${encodeURIComponent(version)}/reports`,
      {
        method: 'POST',
        headers: { ...this.#authorization(), 'content-type': 'application/json' },
        body: JSON.stringify({ sidecar, state, ...(reason !== undefined && { reason }) }),
        maxBody: ANSWER_MAX,
        signal,
      },
    );
    if (status >= 200 && status < 300) return true;
    // What is malformed, or about a version that is no more, will not be taken later either.
    if (status === 400 || status === 404 || status === 410 || status === 413 || status === 422) return false;
    return refuse(status, `reporting on ${key}`);
  };

  #authorization(): Record<string, string> {
    const token = this.#options.token();
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }
}

/** Longest query of a watch, in characters: proxies take 4,096 and more, and a GET passes all of them. */
const QUERY_MAX = 2000;
/** Most documents that the server takes in a query. */
const KEYS_MAX = 100;

/** The request that opens a watch: a GET, or a POST where there are more documents than a URL can name. */
function wishOf(
  keys: readonly string[],
  heartbeat: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Parameters<Connection['open']> {
  const query = new URLSearchParams(keys.map((key) => ['key', key]));
  query.set('heartbeat', heartbeat);
  const text = query.toString();
  if (text.length <= QUERY_MAX && keys.length <= KEYS_MAX) return [`/v1/watch?${text}`, { headers, signal }];
  const body = JSON.stringify({ keys, heartbeat });
  return ['/v1/watch', { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body, signal }];
}

/** @throws {SourceError} malformed */
function toldOf(data: string): { change: Change; watchers: number | undefined } {
  let change: unknown;
  try {
    change = JSON.parse(data);
  } catch {
    // Said below.
  }
  const { key, version, revision, watchers } = (change ?? {}) as Record<string, unknown>;
  if (
    typeof key !== 'string' ||
    !Number.isSafeInteger(revision) ||
    (typeof version !== 'string' && !Number.isSafeInteger(version))
  )
    throw new SourceError('malformed', 'the stream told of a change without saying of what');
  return {
    change: { key, version: String(version), revision: revision as number },
    watchers: Number.isSafeInteger(watchers) && (watchers as number) > 0 ? (watchers as number) : undefined,
  };
}
