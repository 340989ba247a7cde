/** The whole program as a process of its own, for tests. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '#kit/testing/ports.ts';
import { Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';

export const TOKENS = {
  operator: 'operator-token-0123456789',
  reader: 'reader-token-0123456789',
  board: 'board-token-0123456789',
} as const;

const FILE = `operator read,write ${TOKENS.operator}\nreader read ${TOKENS.reader}\nboard report ${TOKENS.board}\n`;

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** Whose token is sent; none when null. */
  readonly as?: keyof typeof TOKENS | null;
  readonly signal?: AbortSignal;
}

export class TestServer {
  readonly dir = temporaryDirectory('config-server');
  readonly #env: Readonly<Record<string, string>>;
  /** Its port and that of its admin page, the same at every start. */
  #ports: readonly number[] = [];
  #program: Program | undefined;

  /** @param env further parameters */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    writeFileSync(join(this.dir, 'tokens'), FILE);
  }

  /** What the program said since its last start. */
  get output(): string {
    return this.#program?.output ?? '';
  }

  /** Start it and wait until it serves. */
  async start(): Promise<void> {
    if (this.#ports.length === 0) this.#ports = await freePorts(2);
    this.#program = new Program([join(import.meta.dirname, 'main.ts')], {
      CONFIG_SERVER_ADDRESS: '127.0.0.1',
      CONFIG_SERVER_PORT: String(this.#ports[0]),
      CONFIG_SERVER_DATA: join(this.dir, 'data'),
      CONFIG_SERVER_TOKENS: join(this.dir, 'tokens'),
      ADMIN_ADDRESS: '127.0.0.1',
      ADMIN_PORT: String(this.#ports[1]),
      ...this.#env,
    });
    await this.#program.up();
  }

  /** End it, and wait until it has ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return await this.#program!.stop(signal);
  }

  /** End it at once, for the last time. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** A request, by the operator unless told. */
  ask(path: string, { as = 'operator', headers, ...options }: AskOptions = {}): Promise<Response> {
    const authorization = as === null ? {} : { authorization: `Bearer ${TOKENS[as]}` };
    return fetch(this.url(path), { ...options, headers: { ...authorization, ...headers } });
  }

  /** Put a document: create it, or change it from a version. */
  put(key: string, body: string | Uint8Array<ArrayBuffer>, from?: number): Promise<Response> {
    const condition: Record<string, string> =
      from === undefined ? { 'if-none-match': '*' } : { 'if-match': `"${from}"` };
    return this.ask(`/v1/documents/${key}`, { method: 'PUT', body, headers: condition });
  }

  /** The text of /metrics. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#ports[1]}/metrics`)).text();
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#ports[0]}${path}`;
  }
}

export interface SeenEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
}

/** A reader of server-sent events. */
export class Watch {
  readonly events: SeenEvent[] = [];
  /** Comment lines seen, heartbeats among them. */
  comments = 0;
  /** True once the server has ended the stream. */
  ended = false;
  readonly #controller = new AbortController();

  /** Open a watch, and wait for its first bytes' head. */
  static async open(server: TestServer, query: string, options: AskOptions = {}): Promise<Watch> {
    const watch = new Watch();
    const response = await server.ask(`/v1/watch${query}`, { ...options, signal: watch.#controller.signal });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    void watch.#read(response);
    return watch;
  }

  close(): void {
    this.#controller.abort();
  }

  async #read(response: Response): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // Aborted, or cut: both end it.
    }
    this.ended = true;
  }

  #take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) this.comments += 1;
      else fields.set(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2));
    }
    if (!fields.has('data')) return;
    const data = JSON.parse(fields.get('data')!) as Record<string, unknown>;
    this.events.push({ id: fields.get('id'), event: fields.get('event'), data });
  }
}
