/** The parameters, as the data path reads them. */
import type { Values } from '#kit/contract/parameters.ts';
import type { ProxySettings } from '#proxy/settings.ts';
import type { contract } from './contract.ts';

export function settingsOf(parameters: Values<typeof contract.parameters>): ProxySettings {
  return {
    headerTimeout: parameters.MESH_HEADER_TIMEOUT,
    idleTimeout: parameters.MESH_IDLE_TIMEOUT,
    connectTimeout: parameters.MESH_CONNECT_TIMEOUT,
    // Routes say how long a response may take; this is for answers of the proxy's own, and for filters that wait.
    responseTimeout: parameters.MESH_IDLE_TIMEOUT,
    maxHeaderSize: parameters.MESH_MAX_HEADER_SIZE,
    retryAfter: 0,
    // What the application says of whom it speaks for is its own matter.
    trustsForwarded: true,
  };
}
