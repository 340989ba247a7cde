/** Where documents come from, as an operator sees it: the config server (scripts/lib/config-server.ts) or etcd. */
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

/** etcd may take so long to answer, in milliseconds. */
const PATIENCE = 10_000;

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
