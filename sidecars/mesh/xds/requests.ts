/** Discovery requests as bytes. */
import type { Locality } from '../model/locality.ts';
import { Writer } from './wire/protobuf.ts';

export interface Node {
  /** Unique in the mesh. */
  readonly id: string;
  readonly service: string;
  /** Of the replica; the control plane says which endpoints are the nearest. */
  readonly locality?: Locality | undefined;
}

export interface DiscoveryRequest {
  readonly type: string;
  /** Of the last response that was taken. */
  readonly version: string;
  readonly nonce: string;
  readonly names: readonly string[];
  /** Only on the first request of a stream. */
  readonly node?: Node | undefined;
  /** Why the response of this nonce is refused. */
  readonly error?: string | undefined;
}

/** google.rpc.Code */
const INVALID_ARGUMENT = 3;

export function encodeRequest({ type, version, nonce, names, node, error }: DiscoveryRequest): Buffer {
  const writer = new Writer().string(1, version);
  if (node) writer.bytes(2, encodeNode(node));
  for (const name of names) writer.string(3, name);
  writer.string(4, type).string(5, nonce);
  if (error !== undefined) writer.bytes(6, new Writer().number(1, INVALID_ARGUMENT).string(2, error).finish());
  return writer.finish();
}

function encodeNode({ id, service, locality }: Node): Buffer {
  const value = new Writer().string(3, service).finish();
  const field = new Writer().string(1, 'SERVICE').bytes(2, value).finish();
  const writer = new Writer().string(1, id).string(2, service).bytes(3, new Writer().bytes(1, field).finish());
  if (locality) writer.bytes(4, new Writer().string(1, locality.region).string(2, locality.zone).finish());
  return writer.string(6, 'sidecar-stacks mesh-proxy').finish();
}
