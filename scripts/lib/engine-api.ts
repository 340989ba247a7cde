/**
 * The engine's own HTTP interface (Docker Engine API 1.43), for what is asked so often that a docker command for each
 * question would cost too much: statistics, events, logs. It is reached as the docker command reaches it.
 */
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { findEndpoint } from './endpoint.ts';
import { EngineError, type EngineReason } from './engine.ts';

const VERSION = '/v1.43';
/** Milliseconds for an answer to begin. */
const PATIENCE = 10_000;
/** Most bytes of an answer that is read whole. */
const MOST = 32 * 1024 * 1024;

type Where = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export class EngineApi {
  readonly #where: Where;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(where: Where) {
    this.#where = where;
  }

  /**
   * Where the docker command finds its engine.
   * @throws {EngineError} when that is neither a socket nor plain TCP
   */
  static async find(env: NodeJS.ProcessEnv = process.env): Promise<EngineApi> {
    const { host } = await findEndpoint(env);
    const [, scheme, rest = ''] = /^(\w+):\/\/(.*)$/.exec(host) ?? [];
    if (scheme === 'unix' || scheme === 'npipe') return new EngineApi({ socketPath: rest });
    if (scheme === 'tcp' || scheme === 'http') {
      const { hostname, port } = new URL(`http://${rest}`);
      return new EngineApi({ host: hostname, port: Number(port) || 2375 });
    }
    throw failure('failed', 'connect', `an engine at ${host || 'this context'} is not reached from here`);
  }

  /** What a path answers, read as JSON. @throws {EngineError} */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return JSON.parse((await this.#read(path, signal)).toString()) as T;
  }

  /**
   * What a path goes on answering, piece by piece, until the signal or the engine's end.
   * @throws {EngineError}
   */
  async stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#open(path, signal, false);
  }

  /** Let go of kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #read(path: string, signal?: AbortSignal): Promise<Buffer> {
    const answer = await this.#open(path, signal, true);
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        bytes += piece.length;
        if (bytes > MOST) throw failure('failed', path, `more than ${MOST} bytes`);
        pieces.push(piece);
      }
    } catch (error) {
      throw error instanceof EngineError ? error : asFailure(error, path);
    }
    return Buffer.concat(pieces);
  }

  async #open(path: string, signal: AbortSignal | undefined, kept: boolean): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { ...this.#where, path: `${VERSION}${path}`, ...(signal && { signal }) };
    // A stream has a connection of its own, so that it keeps none from the others.
    const asked: ClientRequest = request({ ...options, agent: kept ? this.#agent : false }, resolve);
    const timer = setTimeout(() => asked.destroy(failure('timeout', path, 'no answer')), PATIENCE);
    asked.once('error', reject);
    asked.end();
    try {
      const answer = await promise;
      if (answer.statusCode! < 300) return answer;
      answer.resume();
      throw failure('failed', path, `the engine answers ${answer.statusCode}`);
    } catch (error) {
      throw error instanceof EngineError ? error : asFailure(error, path);
    } finally {
      clearTimeout(timer);
    }
  }
}

function asFailure(error: unknown, path: string): EngineError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ABORT_ERR') return failure('aborted', path, 'given up');
  if (code === 'EACCES' || code === 'EPERM') return failure('permission', path, message);
  return failure('no-daemon', path, message);
}

const failure = (reason: EngineReason, path: string, message: string): EngineError =>
  new EngineError(reason, ['api', path.split('?')[0]!], null, [message]);
