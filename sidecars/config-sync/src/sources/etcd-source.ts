/**
 * etcd v3 by its JSON gateway: keys and values are base64, 64-bit numbers are strings.
 * Source: https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/
 */
import { digestOf, type Identity } from '../documents/document.ts';
import { follow, refuse, type Connection } from './connection.ts';
import { parseJson, rangeAnswer, refusalOf, tokenOf, watchFrame, type RangeAnswer } from './etcd-shapes.ts';
import { JsonLinesParser, LineTooLong } from './json-lines.ts';
import { SourceError, type Reading, type Source, type WatchOptions } from './source.ts';

export interface EtcdSourceOptions {
  readonly connection: Connection;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Largest document, in bytes. */
  readonly maxSize: number;
}

/** Room for what an answer has beside the value. */
const ENVELOPE = 16 * 1024;
/** Room for several changes in one frame. */
const FRAMES = 8;
/** etcd's code for a token that it does not know (any more). */
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;

const encode = (text: string): string => Buffer.from(text).toString('base64');

export class EtcdSource implements Source {
  readonly #options: EtcdSourceOptions;
  readonly #maxBody: number;
  #token: string | undefined;

  constructor(options: EtcdSourceOptions) {
    this.#options = options;
    this.#maxBody = Math.ceil((options.maxSize * 4) / 3) + ENVELOPE;
  }

  async read(key: string, known: Identity | undefined, signal: AbortSignal): Promise<Reading> {
    const { maxSize } = this.#options;
    // The head alone says whether there is anything new.
    if (known) {
      const head = await this.#range({ key: encode(key), keys_only: true }, signal);
      if (head.found && String(head.found.revision) === known.version) return { kind: 'unchanged' };
    }
    let answer: RangeAnswer;
    try {
      answer = await this.#range({ key: encode(key) }, signal);
    } catch (error) {
      if (!(error instanceof SourceError) || error.reason !== 'too-large') throw error;
      answer = await this.#range({ key: encode(key), keys_only: true }, signal);
      const { found: head } = answer;
      if (head) return { kind: 'too-large', id: { version: String(head.revision), digest: '' }, bytes: undefined };
    }
    const { revision: resume, found } = answer;
    if (!found) return { kind: 'absent', resume };
    const content = Buffer.from(found.value, 'base64');
    const id = { version: String(found.revision), digest: digestOf(content) };
    if (content.length > maxSize) return { kind: 'too-large', id, bytes: content.length };
    return { kind: 'document', document: { ...id, key, content }, revision: found.revision, resume };
  }

  async watch({ keys, since, onOpen, onChange, onReset, signal }: WatchOptions): Promise<never> {
    const { connection } = this.#options;
    const start = since === undefined ? {} : { start_revision: String(since + 1) };
    // One stream carries a watch for each key.
    const body = keys
      .map((key, index) =>
        JSON.stringify({ create_request: { key: encode(key), watch_id: String(index + 1), ...start } }),
      )
      .join('\n');
    const headers = await this.#authorization(signal);
    const response = await connection.open('/v3/watch', { method: 'POST', headers, body, signal });
    try {
      if (response.statusCode !== 200) refuse(response.statusCode!, 'watching');
      let created = 0;
      const parser = new JsonLinesParser((value) => {
        const frame = watchFrame(value);
        if (frame.error !== undefined) throw new SourceError('status', `watching: ${frame.error}`);
        if (frame.canceled) {
          const { reason, compacted } = frame.canceled;
          if (compacted > 0) onReset();
          if (/permission denied|auth/.test(reason)) this.#token = undefined;
          throw new SourceError(
            'status',
            compacted > 0
              ? `watching: the history before revision ${compacted} is gone`
              : `watching: etcd ended it: ${reason}`,
          );
        }
        if (frame.created && ++created === keys.length) onOpen();
        for (const { key, revision } of frame.changes) onChange({ key, version: String(revision), revision });
      }, this.#maxBody * FRAMES);
      return await follow(response, {
        silence: undefined,
        signal,
        take: (chunk) => {
          try {
            parser.push(chunk);
          } catch (error) {
            if (!(error instanceof LineTooLong)) throw error;
            // Going on from here would bring the same line again.
            onReset();
            throw new SourceError('too-large', `watching: ${error.message}`);
          }
        },
      });
    } finally {
      response.destroy();
    }
  }

  async #range(query: Record<string, unknown>, signal: AbortSignal, again = true): Promise<RangeAnswer> {
    const headers = await this.#authorization(signal);
    const { status, body } = await this.#options.connection.ask('/v3/kv/range', {
      method: 'POST',
      headers,
      body: JSON.stringify(query),
      maxBody: this.#maxBody,
      signal,
    });
    const answer = parseJson(body);
    if (status === 200) return rangeAnswer(answer);
    const { code, message } = refusalOf(answer);
    if ((code === UNAUTHENTICATED || status === 401) && again && this.#token !== undefined) {
      // A token does not live for ever; nor does it outlive etcd.
      this.#token = undefined;
      return await this.#range(query, signal, false);
    }
    const what = `reading: ${message ?? status}`;
    if (code === UNAUTHENTICATED || status === 401) throw new SourceError('unauthorized', what);
    if (code === PERMISSION_DENIED || status === 403) throw new SourceError('forbidden', what);
    throw new SourceError('status', what);
  }

  async #authorization(signal: AbortSignal): Promise<Record<string, string>> {
    const { connection, user, password } = this.#options;
    if (user === undefined) return {};
    if (this.#token === undefined) {
      const { status, body } = await connection.ask('/v3/auth/authenticate', {
        method: 'POST',
        body: JSON.stringify({ name: user, password: password ?? '' }),
        maxBody: ENVELOPE,
        signal,
      });
      const answer = parseJson(body);
      const token = tokenOf(answer);
      if (status !== 200 || token === undefined)
        throw new SourceError('unauthorized', `logging in as ${user}: ${refusalOf(answer).message ?? status}`);
      this.#token = token;
    }
    return { authorization: this.#token };
  }
}
