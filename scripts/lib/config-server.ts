/** The config server as an operator uses it: documents, their versions, and what sidecars report of them. */

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

/** An answer may take so long, in milliseconds. */
const PATIENCE = 10_000;

/** A client of the config server, with a token of an operator. */
export class ConfigServer {
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

  /**
   * Make a document what is given, whatever it was.
   * @returns the version that this made, as sidecars name it
   */
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

  /** What a document is now. */
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
