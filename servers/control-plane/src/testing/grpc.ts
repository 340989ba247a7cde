/** gRPC servers that tell who they are, and an unmodified xDS client that asks them. */
import { Client, credentials, Metadata, Server, ServerCredentials, status, type ServiceError } from '@grpc/grpc-js';

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string) => ({
  path: `/test.Echo/${name}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const SERVICE = { Say: method('Say'), Other: method('Other') };

export interface Backend {
  readonly address: string;
  readonly port: number;
  /** Requests that it has had. */
  calls: number;
  /** Status codes for the next requests; 0 for what is none. */
  fail: status;
  /** Whether it keeps its answers back until this is false again. */
  hold: boolean;
  readonly stop: () => void;
}

/**
 * Serve on an address of loopback.
 * @param port 0 for a free one
 */
export async function startBackend(address: string, port = 0): Promise<Backend> {
  const server = new Server();
  const backend = { address, port, calls: 0, fail: status.OK, hold: false, stop: () => server.forceShutdown() };
  const answer = (_call: unknown, callback: (error: Partial<ServiceError> | null, value?: Buffer) => void): void => {
    backend.calls++;
    const reply = (): void => {
      if (backend.fail === status.OK) callback(null, Buffer.from(address));
      else callback({ code: backend.fail, details: `as asked, from ${address}` });
    };
    const answerOnce = (): void => {
      if (!backend.hold) reply();
      else setTimeout(answerOnce, 20).unref();
    };
    answerOnce();
  };
  server.addService(SERVICE, { Say: answer, Other: answer });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
  backend.port = await promise;
  return backend;
}

/** Several on one port of addresses 127.0.0.N. */
export async function startBackends(count: number): Promise<Backend[]> {
  const first = await startBackend('127.0.0.1');
  const others = await Promise.all(
    Array.from({ length: count - 1 }, async (_, index) => await startBackend(`127.0.0.${index + 2}`, first.port)),
  );
  return [first, ...others];
}

/** A channel whose name is resolved by xDS. */
export class XdsClient {
  readonly #client: Client;

  constructor(name: string) {
    this.#client = new Client(`xds:///${name}`, credentials.createInsecure());
  }

  /**
   * Call once.
   * @returns the address of who answered
   * @throws {ServiceError}
   */
  async say({
    name = 'Say',
    headers = {},
    timeout = 30_000,
  }: { name?: string; headers?: Record<string, string>; timeout?: number } = {}): Promise<string> {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const deadline = Date.now() + timeout;
    this.#client.makeUnaryRequest(
      `/test.Echo/${name}`,
      same,
      same,
      Buffer.alloc(0),
      metadata,
      { deadline },
      (error, value) => (error ? reject(error) : resolve(String(value))),
    );
    return await promise;
  }

  /** Call many times, ten at a time. @returns how often each answered; failures by the name of their status */
  async count(times: number, options: Parameters<XdsClient['say']>[0] = {}): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    let left = times;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const key = await this.say(options).catch((error: ServiceError) => status[error.code]);
        counts[key] = (counts[key] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 10 }, worker));
    return counts;
  }

  close(): void {
    this.#client.close();
  }
}
