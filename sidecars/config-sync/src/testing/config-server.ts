/**
 * A config server that can be made to fail in ways that a real one cannot be asked for. The real one
 * is in stacks/config; its scenario shows both together.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf } from '../documents/document.ts';

export interface Held {
  readonly version: number;
  readonly revision: number;
  readonly content: Buffer;
}

export interface TestReport {
  readonly key: string;
  readonly version: string;
  readonly sidecar: string;
  readonly state: string;
  readonly reason?: string;
}

/** What is wrong with it. */
export interface Faults {
  /** Answers to everything with this. */
  status?: number;
  /** Accepts and never answers; open streams fall silent. */
  frozen?: boolean;
  /** Breaks off in the middle of a document. */
  truncated?: boolean;
  /** Sends another digest than the content's. */
  corrupt?: boolean;
  /** Has no watch. */
  noWatch?: boolean;
  /** Keeps watches open and tells nothing. */
  deafWatch?: boolean;
  /** Takes no reports. */
  noReports?: boolean;
}

export class TestConfigServer {
  readonly documents = new Map<string, Held>();
  readonly reports: TestReport[] = [];
  faults: Faults = {};
  token: string | undefined;
  /** Requests so far, as `GET /v1/…`. */
  readonly requests: string[] = [];
  revision = 1000;
  #streams = new Set<{ keys: string[]; response: ServerResponse }>();
  #server = createServer((request, response) => void this.#serve(request, response));
  #port = 0;

  async start(port = this.#port): Promise<void> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#streams.clear();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Watches that are open. */
  get watches(): number {
    return this.#streams.size;
  }

  put(key: string, content: string | Buffer): number {
    const version = (this.documents.get(key)?.version ?? 0) + 1;
    this.documents.set(key, { version, revision: ++this.revision, content: Buffer.from(content) });
    for (const stream of this.#streams) if (stream.keys.includes(key)) this.#tell(stream.response, key);
    return version;
  }

  /** End every watch from this side. */
  cutWatches(): void {
    for (const { response } of this.#streams) response.destroy();
    this.#streams.clear();
  }

  /** Tell every watch that its revision means nothing here. */
  reset(): void {
    for (const { response } of this.#streams) response.write('event: reset\ndata: {}\n\n');
  }

  #tell(response: ServerResponse, key: string): void {
    if (this.faults.frozen || this.faults.deafWatch) return;
    const held = this.documents.get(key)!;
    const data = { key, version: held.version, revision: held.revision, digest: `sha256:${digestOf(held.content)}` };
    response.write(`id: ${held.revision}\nevent: change\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** A client that was killed during its request gets no answer. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (request.complete) throw error;
      response.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://x');
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.faults.frozen) return;
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`)
      return void response.writeHead(401).end('{}');
    if (this.faults.status !== undefined) return void response.writeHead(this.faults.status).end('{}');
    if (url.pathname === '/v1/watch') return await this.#watch(request, url, response);
    const [, key = '', , version, tail] =
      /^\/v1\/documents\/([^/]+)(\/versions\/(\d+)\/(reports))?$/.exec(url.pathname) ?? [];
    if (tail === 'reports') {
      if (this.faults.noReports) return void response.writeHead(503).end();
      let text = '';
      for await (const chunk of request) text += String(chunk);
      const report = JSON.parse(text) as Omit<TestReport, 'key' | 'version'>;
      this.reports.push({ key: decodeURIComponent(key), version: version!, ...report });
      return void response.writeHead(201).end('{}');
    }
    const held = this.documents.get(decodeURIComponent(key));
    if (!held) return void response.writeHead(404).end('{}');
    const etag = `"${held.version}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.writeHead(200, {
      etag,
      'x-config-version': held.version,
      'x-config-revision': held.revision,
      'x-config-digest': `sha256:${this.faults.corrupt ? '0'.repeat(64) : digestOf(held.content)}`,
      'content-length': held.content.length,
    });
    if (this.faults.truncated) {
      response.write(held.content.subarray(0, held.content.length / 2), () => response.destroy());
      return;
    }
    response.end(request.method === 'HEAD' ? undefined : held.content);
  }

  async #watch(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    if (this.faults.noWatch) return void response.writeHead(503).end();
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const keys = text === '' ? url.searchParams.getAll('key') : (JSON.parse(text) as { keys: string[] }).keys;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': here\n\n');
    const stream = { keys, response };
    this.#streams.add(stream);
    const beat = setInterval(() => this.faults.frozen || response.write(':\n\n'), 300);
    response.on('close', () => {
      clearInterval(beat);
      this.#streams.delete(stream);
    });
    const since = Number(request.headers['last-event-id'] ?? 0);
    for (const key of keys) if ((this.documents.get(key)?.revision ?? 0) > since) this.#tell(response, key);
  }
}
