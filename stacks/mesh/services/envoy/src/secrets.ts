/**
 * Secret discovery (SDS) for the Envoy of the same pod, on a Unix socket: its certificate with the key, and the roots.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
 */
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { chmodSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Credentials, Identity } from '#mesh/model/identity.ts';
import { decode, list, message, one, string, Writer } from '#mesh/xds/wire/protobuf.ts';

const SECRET = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
/** As the control plane's resources name them. */
export const OWN_CERTIFICATE = 'default';
export const TRUST_BUNDLE = 'ROOTCA';

const Status = message({ message: one(2, string) });
const DiscoveryRequest = message({
  names: list(3, string),
  nonce: one(5, string),
  error: one(6, Status),
});

type Call = ServerDuplexStream<Buffer, Buffer>;

/** One request for secrets: those named are sent now, and each time they change. */
interface Watch {
  readonly call: Call;
  names: readonly string[];
  nonce: number;
}

export interface SecretsOptions {
  readonly identity: Identity;
  /** Path of the socket, in a directory of this user's alone. */
  readonly path: string;
  /** Envoy refused a secret. */
  readonly onRefused: (reason: string) => void;
}

/** Serve them. @returns how to stop */
export async function serveSecrets({ identity, path, onRefused }: SecretsOptions): Promise<() => void> {
  const watches = new Set<Watch>();
  const send = (watch: Watch, { current } = identity): void => {
    if (current === undefined || watch.names.length === 0) return;
    watch.call.write(responseOf(watch.names, current, String(++watch.nonce)));
  };
  identity.onChange(() => {
    for (const watch of watches) send(watch);
  });
  const same = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  server.addService(
    {
      StreamSecrets: {
        path: '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
        requestStream: true,
        responseStream: true,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      StreamSecrets: (call: Call) => {
        const watch: Watch = { call, names: [], nonce: 0 };
        watches.add(watch);
        const forget = (): void => void watches.delete(watch);
        call.on('data', (bytes: Buffer) => {
          const { names, nonce, error } = decode(DiscoveryRequest, bytes);
          if (error !== undefined) onRefused(error.message ?? '');
          // An answer to a response that is the last one, and no other question.
          if (nonce === String(watch.nonce) && names.join() === watch.names.join()) return;
          watch.names = names;
          send(watch);
        });
        call.on('end', () => {
          forget();
          call.end();
        });
        call.on('error', forget);
        call.on('cancelled', forget);
      },
    },
  );
  await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
  chmodSync(path, 0o600);
  return () => server.forceShutdown();
}

function responseOf(names: readonly string[], credentials: Credentials, nonce: string): Buffer {
  const writer = new Writer().string(1, nonce);
  for (const name of names) {
    const secret = secretOf(name, credentials);
    if (secret) writer.bytes(2, new Writer().string(1, SECRET).bytes(2, secret).finish());
  }
  return writer.string(4, SECRET).string(5, nonce).finish();
}

/** envoy.extensions.transport_sockets.tls.v3.Secret */
function secretOf(name: string, { chain, key, trustBundle }: Credentials): Buffer | undefined {
  const inline = (pem: string): Buffer => new Writer().string(3, pem).finish();
  const secret = new Writer().string(1, name);
  if (name === OWN_CERTIFICATE)
    return secret.bytes(2, new Writer().bytes(1, inline(chain)).bytes(2, inline(key)).finish()).finish();
  if (name === TRUST_BUNDLE) return secret.bytes(4, new Writer().bytes(1, inline(trustBundle)).finish()).finish();
  return undefined;
}
