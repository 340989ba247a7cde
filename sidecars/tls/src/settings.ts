/** What the data plane reads, of this sidecar's parameters. */
import type { Values } from '#kit/contract/parameters.ts';
import type { ProxySettings } from '#proxy/settings.ts';
import type { contract } from './contract.ts';

export function settingsOf(parameters: Values<typeof contract.parameters>): ProxySettings {
  return {
    headerTimeout: parameters.TLS_HEADER_TIMEOUT,
    idleTimeout: parameters.TLS_IDLE_TIMEOUT,
    connectTimeout: parameters.TLS_CONNECT_TIMEOUT,
    responseTimeout: parameters.TLS_RESPONSE_TIMEOUT,
    maxHeaderSize: parameters.TLS_MAX_HEADER_SIZE,
    retryAfter: parameters.TLS_RETRY_AFTER,
    trustsForwarded: false,
  };
}
