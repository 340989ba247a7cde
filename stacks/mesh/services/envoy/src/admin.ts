/** The Envoy of this pod, asked over the Unix socket of its admin interface. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

const TIMEOUT = 2000;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @param timeout in milliseconds @throws where Envoy does not answer */
export function askEnvoy(socketPath: string, method: 'GET' | 'POST', path: string, timeout = TIMEOUT): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request({ socketPath, method, path, signal: AbortSignal.timeout(timeout) }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, text: body }), reject);
  });
  sent.on('error', reject).end();
  return promise;
}

/** Of `/config_dump?resource=dynamic_listeners`: what is asked for by its name stands in `configs` itself. */
interface ListenersDump {
  readonly configs?: readonly {
    readonly name: string;
    readonly active_state?: {
      readonly listener?: {
        readonly filter_chains?: readonly { readonly filter_chain_match?: { readonly destination_port?: number } }[];
      };
    };
  }[];
}

/** Ports of the application that the configuration in use names. */
export function inboundPorts(dump: string): number[] {
  const { configs = [] } = JSON.parse(dump) as ListenersDump;
  const chains = configs.find(({ name }) => name === 'inbound')?.active_state?.listener?.filter_chains ?? [];
  return [...new Set(chains.flatMap(({ filter_chain_match: match }) => match?.destination_port ?? []))];
}

/** Connections that listeners have open, of `/stats?filter=…&format=json`. */
export function openConnections(stats: string): number {
  const { stats: all = [] } = JSON.parse(stats) as { stats?: readonly { readonly value?: number }[] };
  return all.reduce((total, { value = 0 }) => total + value, 0);
}
