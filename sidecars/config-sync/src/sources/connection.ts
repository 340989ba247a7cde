/** What both sources do with HTTP: one set of connections, one kind of error. */
import type { Agent, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import {
  createAgent,
  HttpError,
  openResponse,
  request,
  type Answer,
  type RequestOptions,
} from '#kit/net/http-client.ts';
import { SourceError } from './source.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly ca: Buffer | undefined;
  /** How long one answer may take, in milliseconds. */
  readonly timeout: number;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #agent: Agent;
  readonly #base: string;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
    this.#agent = createAgent(options.url.startsWith('https:') ? 'https:' : 'http:', { maxSockets: 4 });
  }

  /**
   * Ask, and read the answer.
   * @param path from the base URL on
   * @throws {SourceError}, and the signal's reason
   */
  async ask(path: string, options: RequestOptions & { signal: AbortSignal }): Promise<Answer> {
    const { ca, timeout } = this.#options;
    return await request(this.#base + path, { ca, timeout, agent: this.#agent, ...options }).catch(
      translate(options.signal),
    );
  }

  /** Ask, and get the head of the answer, whose body is still to come. */
  async open(path: string, options: RequestOptions & { signal: AbortSignal }): Promise<IncomingMessage> {
    const { ca, timeout } = this.#options;
    return await openResponse(this.#base + path, { ca, timeout, ...options }).catch(translate(options.signal));
  }

  close(): void {
    this.#agent.destroy();
  }
}

/**
 * Read a stream for as long as it goes on.
 * @param silence longest time without a byte, in milliseconds; for ever when undefined
 * @param take may throw, which ends it
 * @throws {SourceError} in any case, for a stream has no good end; and the signal's reason
 */
export async function follow(
  response: IncomingMessage,
  { silence, signal, take }: { silence: number | undefined; signal: AbortSignal; take: (chunk: Buffer) => void },
): Promise<never> {
  // A peer that is gone without a word is found by the kernel where nothing is said for long.
  const { socket } = response;
  socket.setKeepAlive(true, 10_000);
  const onSilence = (): void =>
    void response.destroy(new SourceError('silent', `the stream was silent for ${silence} ms`));
  if (silence !== undefined) socket.setTimeout(silence, onSilence);
  try {
    await pipeline(
      response,
      async function (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) take(chunk);
      },
      { signal },
    );
  } catch (error) {
    translate(signal)(error);
  } finally {
    // The connection may be used again.
    socket.setTimeout(0);
    socket.off('timeout', onSilence);
  }
  throw new SourceError('network', 'the stream ended');
}

const translate =
  (signal: AbortSignal) =>
  (error: unknown): never => {
    signal.throwIfAborted();
    if (error instanceof SourceError) throw error;
    if (error instanceof HttpError && error.reason !== 'aborted')
      throw new SourceError(error.reason, error.message, { cause: error });
    if (error instanceof SyntaxError) throw new SourceError('malformed', 'the answer is not JSON', { cause: error });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SourceError('network', `the stream broke off: ${code ?? message}`, { cause: error });
  };

/**
 * Refuse a status that is not expected.
 * @throws {SourceError}
 */
export function refuse(status: number, what: string): never {
  if (status === 401) throw new SourceError('unauthorized', `${what}: 401, the token is missing or unknown`);
  if (status === 403) throw new SourceError('forbidden', `${what}: 403, the token may not do this`);
  throw new SourceError('status', `${what}: ${status}`);
}
