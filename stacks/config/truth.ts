/** Where documents come from, as an operator sees it: the config server and etcd. */
import { createHash } from 'node:crypto';

/** Takes documents; sidecars watch it. */
export interface Truth {
  /**
   * Make a document what is given, whatever it was.
   * @returns the version that this made, as sidecars name it
   */
  put(key: string, content: string): Promise<string>;
  /** What a document is now. */
  get(key: string): Promise<string>;
}

export interface Report {
  readonly sidecar: string;
  readonly state: 'applied' | 'rejected' | 'rolled-back';
  readonly reason?: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Another token than the operator's; none when null. */
  readonly token?: string | null;
}

const PATIENCE = 10_000;

export class ConfigServer implements Truth {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Any request of its interface. */
  ask(path: string, { token = this.#token, headers, ...options }: AskOptions = {}): Promise<Response> {
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(`${this.#url}${path}`, { ...options, signal, headers: { ...authorization, ...headers } });
  }

  async put(key: string, content: string): Promise<string> {
    return this.putFrom(key, content, await this.version(key));
  }

  /** Change a document from a version that is known. */
  async putFrom(key: string, content: string, version: string): Promise<string> {
    const headers = { 'if-match': `"${version}"`, 'content-type': 'text/plain' };
    return this.#changed(await this.ask(`/v1/documents/${key}`, { method: 'PUT', body: content, headers }));
  }

  /** Make a document that does not exist. */
  async create(key: string, content: string): Promise<string> {
    const headers = { 'if-none-match': '*', 'content-type': 'text/plain' };
    return this.#changed(await this.ask(`/v1/documents/${key}`, { method: 'PUT', body: content, headers }));
  }

  async get(key: string): Promise<string> {
    const answer = await this.ask(`/v1/documents/${key}`);
    if (!answer.ok) throw new Error(`${key}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }

  /** The version that a document is at. */
  async version(key: string): Promise<string> {
    const { headers } = await this.ask(`/v1/documents/${key}`);
    return headers.get('x-config-version') ?? '';
  }

  /** Make a new version with the content of an old one. */
  async rollback(key: string, to: string): Promise<string> {
    const headers = { 'if-match': `"${await this.version(key)}"`, 'content-type': 'application/json' };
    const body = JSON.stringify({ version: Number(to) });
    return this.#changed(await this.ask(`/v1/documents/${key}/rollback`, { method: 'POST', body, headers }));
  }

  /** What a sidecar said of a version; undefined when it has not. */
  async report(key: string, version: string, sidecar: string): Promise<Report | undefined> {
    const answer = await this.ask(`/v1/documents/${key}/versions/${version}/reports`);
    const { reports } = (await answer.json()) as { reports: Report[] };
    return reports.find((each) => each.sidecar === sidecar);
  }

  async #changed(answer: Response): Promise<string> {
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return String(((await answer.json()) as { version: number }).version);
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** etcd by its JSON gateway. */
export class Etcd implements Truth {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async put(key: string, content: string): Promise<string> {
    const { header } = await this.#ask('put', { key: base64(key), value: base64(content) });
    return header.revision;
  }

  async get(key: string): Promise<string> {
    const { kvs } = await this.#ask('range', { key: base64(key) });
    return Buffer.from(kvs![0]!.value, 'base64').toString();
  }

  /** Forget all revisions before one: a watch that resumes there is told that it cannot. */
  async compact(revision: string): Promise<void> {
    await this.#ask('compaction', { revision, physical: true });
  }

  async #ask(what: string, body: object): Promise<{ header: { revision: string }; kvs?: { value: string }[] }> {
    const answer = await fetch(`${this.#url}/v3/kv/${what}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!answer.ok) throw new Error(`etcd: ${what}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { header: { revision: string } };
  }
}

/** A content's digest as sidecars name it. */
export const digestOf = (content: string): string => createHash('sha256').update(content).digest('hex');
