/** An echo service by gRPC; its messages are JSON, so that no compiler is needed. */
import {
  type ChannelCredentials,
  type Client,
  credentials,
  type handleUnaryCall,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { take } from './behaviour.ts';
import { PORTS } from './ports.ts';

/** What the service tells of a call. */
export interface GrpcEcho {
  readonly replica: string;
  readonly said: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const codec = {
  serialize: (value: unknown): Buffer => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes: Buffer): unknown => JSON.parse(bytes.toString()),
};

const SERVICE: ServiceDefinition = {
  say: {
    path: '/check.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: codec.serialize,
    requestDeserialize: codec.deserialize,
    responseSerialize: codec.serialize,
    responseDeserialize: codec.deserialize,
  },
};

export async function serveGrpc(replica: string): Promise<void> {
  const say: handleUnaryCall<{ text: string }, GrpcEcho> = (call, callback) => {
    const metadata = Object.fromEntries(
      Object.entries(call.metadata.getMap()).map(([name, value]) => [name, value.toString()]),
    );
    take(metadata['x-key']).then(
      (code) => {
        const trailers = new Metadata();
        trailers.set('x-replica', replica);
        if (code === 200) callback(null, { replica, said: call.request.text, metadata }, trailers);
        else callback({ code: status.UNAVAILABLE, details: `told to answer ${code}`, metadata: trailers });
      },
      (error: unknown) => callback({ code: status.INTERNAL, details: String(error) }),
    );
  };
  const server = new Server();
  server.addService(SERVICE, { say });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`0.0.0.0:${PORTS.grpc}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
}

type EchoClient = Client & {
  say(
    request: { text: string },
    metadata: Metadata,
    options: { deadline: number },
    callback: (error: ServiceError | null, echo: GrpcEcho) => void,
  ): void;
};

const EchoClientClass = makeGenericClientConstructor(SERVICE, 'Echo');

/** A client of the echo service; close it. */
export const grpcClient = (target: string, how: ChannelCredentials = credentials.createInsecure()): EchoClient =>
  new EchoClientClass(target, how) as unknown as EchoClient;

/** One call. */
export function sayByGrpc(
  client: EchoClient,
  text: string,
  { headers = {}, timeoutMs }: { headers?: Readonly<Record<string, string>>; timeoutMs: number },
): Promise<GrpcEcho> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve, reject) =>
    client.say({ text }, metadata, { deadline: Date.now() + timeoutMs }, (error, echo) =>
      error ? reject(error) : resolve(echo),
    ),
  );
}
