/**
 * A store for tests that fails when told to, and counts. It answers `_bulk` as Elasticsearch documents
 * it: `create` with a known id is 409, every item has a status of its own, a request can be refused as
 * a whole, and an answer can be lost after the documents are in. No real store can be made to do all
 * of these on demand.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { serve, type TestServer } from './server.ts';

/** What goes wrong. `times`: number of requests (items for `item`), for ever when absent. */
export type Fault =
  /** The request is refused as a whole. */
  | { kind: 'status'; status: number; retryAfter?: number; body?: string; times?: number }
  /** The connection is cut, before or after the documents are in. */
  | { kind: 'cut'; after: boolean; times?: number }
  /** The answer comes late, in milliseconds; the documents are in before. */
  | { kind: 'slow'; ms: number; times?: number }
  /** A 200 with something else than an answer; nothing is stored. */
  | { kind: 'garbage'; text: string; times?: number }
  /** Every nth item, or those whose document matches, get a status and an error of their own. */
  | {
      kind: 'item';
      status: number;
      error?: { type: string; reason: string };
      pattern?: string;
      every?: number;
      times?: number;
    };

export interface StoredDocument {
  readonly index: string;
  readonly id: string;
  readonly body: string;
}

export interface TestStoreOptions {
  /** Larger requests are answered with 413, in bytes. */
  readonly maxBody?: number;
  /** The Authorization header that is asked for; others get 401. */
  readonly authorization?: string;
}

interface Action {
  readonly create: { readonly _index: string; readonly _id: string };
}

export class TestStore {
  /** In the order in which they were accepted. */
  readonly documents: StoredDocument[] = [];
  readonly counts = { requests: 0, items: 0, created: 0, conflicts: 0, faults: 0 };
  faults: Fault[] = [];
  /** A request with this in it is refused as a whole: one record spoils it for all. */
  poison: string | undefined;
  options: TestStoreOptions;
  readonly #ids = new Set<string>();
  #turn = 0;

  constructor(options: TestStoreOptions = {}) {
    this.options = options;
  }

  /** Forget documents, counts and faults. */
  clear(): void {
    this.documents.length = 0;
    this.#ids.clear();
    this.faults = [];
    this.poison = undefined;
    for (const key of Object.keys(this.counts)) this.counts[key as keyof TestStore['counts']] = 0;
  }

  /** Answer a request to `_bulk`; one that breaks off, since its sender was killed, is none. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await buffer(request).catch(() => undefined);
    if (raw === undefined) return void response.destroy();
    this.counts.requests += 1;
    const { authorization, maxBody = Infinity } = this.options;
    if (authorization !== undefined && request.headers.authorization !== authorization)
      return refuse(response, 401, 'security_exception', 'missing authentication credentials for REST request');
    if (raw.length > maxBody) return void response.writeHead(413).end();
    const fault = this.#next((each) => each.kind !== 'item');
    if (fault?.kind === 'cut' && !fault.after) return void request.socket.destroy();
    if (fault?.kind === 'garbage') return void response.end(fault.text);
    if (fault?.kind === 'status') {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter));
      if (fault.body !== undefined) return void response.writeHead(fault.status).end(fault.body);
      return refuse(response, fault.status, 'fault', 'as told');
    }
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    if (this.poison !== undefined && body.includes(this.poison))
      return refuse(response, 400, 'illegal_argument_exception', 'one of these is wrong');
    const answer = this.#store(body.toString());
    if (fault?.kind === 'cut') return void request.socket.destroy();
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms).unref());
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  }

  #store(text: string): { took: number; errors: boolean; items: unknown[] } {
    const lines = text.split('\n');
    const items: unknown[] = [];
    let errors = false;
    for (let at = 0; at + 1 < lines.length; at += 2) {
      const { _index, _id } = (JSON.parse(lines[at]!) as Action).create;
      const body = lines[at + 1]!;
      JSON.parse(body);
      const [status, error] = this.#create(_index, _id, body);
      if (error !== undefined) errors = true;
      items.push({ create: { _index, _id, status, ...(error && { error }) } });
    }
    this.counts.items += items.length;
    return { took: 1, errors, items };
  }

  #create(index: string, id: string, body: string): [number, { type: string; reason: string }?] {
    this.#turn += 1;
    const fault = this.#next((each) => each.kind === 'item' && matches(each, body, this.#turn));
    if (fault?.kind === 'item' && fault.error !== undefined) return [fault.status, fault.error];
    if (fault?.kind === 'item')
      return fault.status === 429
        ? [429, { type: 'es_rejected_execution_exception', reason: 'rejected execution of primary operation' }]
        : [
            fault.status,
            { type: 'document_parsing_exception', reason: '[1:2] failed to parse field [n] of type [long]' },
          ];
    const key = `${index}/${id}`;
    if (this.#ids.has(key)) {
      this.counts.conflicts += 1;
      return [
        409,
        { type: 'version_conflict_engine_exception', reason: `[${id}]: version conflict, document already exists` },
      ];
    }
    this.#ids.add(key);
    this.counts.created += 1;
    this.documents.push({ index, id, body });
    return [201];
  }

  /** The first fault of a kind that is not used up. */
  #next(wanted: (fault: Fault) => boolean): Fault | undefined {
    const fault = this.faults.find((each) => each.times !== 0 && wanted(each));
    if (fault === undefined) return undefined;
    this.counts.faults += 1;
    if (fault.times !== undefined) fault.times -= 1;
    return fault;
  }
}

function matches(fault: Fault & { kind: 'item' }, body: string, turn: number): boolean {
  if (fault.pattern !== undefined && !new RegExp(fault.pattern).test(body)) return false;
  return fault.every === undefined || turn % fault.every === 0;
}

function refuse(response: ServerResponse, status: number, type: string, reason: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { root_cause: [{ type, reason }], type, reason }, status }));
}

/** A test store on a free port of the loopback interface. */
export async function listenTestStore(
  options: TestStoreOptions = {},
): Promise<TestServer & { readonly store: TestStore }> {
  const store = new TestStore(options);
  return { store, ...(await serve((request, response) => void store.answer(request, response))) };
}
