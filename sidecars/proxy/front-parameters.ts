/** The parameters that every proxy in front of one application has: declared once, under each sidecar's own prefix. */
import type { Parameters, Values } from '#kit/contract/parameters.ts';
import type { ProxySettings } from './settings.ts';

/** A bound in milliseconds that Node's timers can count to. */
export const DAY = 86_400_000;

/** Where the application is. */
export const applicationParameters = {
  PROXY_PORT: { type: 'port', required: true, description: 'Port of the application' },
  PROXY_HOST: {
    type: 'string',
    default: '127.0.0.1',
    pattern: /^[0-9a-fA-F.:]+$|^localhost$/,
    accepts: 'an IP address or localhost',
    description: 'Address of the application',
  },
  PROXY_IDLE_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '4s',
    max: DAY,
    description:
      'How long an unused connection to the application is kept for a next request; 0 uses each for one request, which suits an application that serves one connection at a time',
  },
} as const satisfies Parameters;

interface Defaults {
  readonly maxConnections: string;
  readonly maxHeaderSize: string;
}

const parametersOf = ({ maxConnections, maxHeaderSize }: Defaults) =>
  ({
    HEADER_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 100,
      max: DAY,
      description: 'How long a request head may take from its first byte',
    },
    IDLE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      min: 100,
      max: DAY,
      description: 'How long a connection may be silent: between requests, within a body, or within a tunnel',
    },
    CONNECT_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '2s',
      min: 10,
      max: DAY,
      description: 'How long the application may take to accept a connection',
    },
    RESPONSE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      min: 100,
      max: DAY,
      description: 'How long the application may take to begin its response',
    },
    MAX_HEADER_SIZE: {
      type: 'size',
      unit: 'bytes',
      default: maxHeaderSize,
      min: 1024,
      max: 1024 * 1024,
      description: 'Largest request or response head',
    },
    MAX_CONNECTIONS: {
      type: 'integer',
      default: maxConnections,
      min: 1,
      max: 1_000_000,
      description: 'Most client connections of one process; further ones are closed',
    },
    RETRY_AFTER: {
      type: 'duration',
      unit: 's',
      default: '5s',
      max: DAY,
      description: 'Retry-After of a 503 while the application is down',
    },
  }) as const satisfies Parameters;

type Front = ReturnType<typeof parametersOf>;
/** The parameters under a sidecar's prefix. */
export type FrontParameters<Prefix extends string> = {
  readonly [Name in keyof Front as `${Prefix}${Name}`]: Front[Name];
};

/**
 * How long is waited for clients and the application, and how much of them is taken.
 * @param prefix the sidecar's own, as `TLS_`
 * @param defaults the two that depend on what a connection of the sidecar costs, as the environment would spell them
 */
export function frontParameters<const Prefix extends string>(
  prefix: Prefix,
  defaults: Defaults,
): FrontParameters<Prefix> {
  return Object.fromEntries(
    Object.entries(parametersOf(defaults)).map(([name, declared]) => [`${prefix}${name}`, declared]),
  ) as unknown as FrontParameters<Prefix>;
}

/**
 * What every connection reads.
 * @param values the parameters' values, of which those under the prefix are read
 * @param trustsForwarded see ProxySettings
 */
export function frontSettings<const Prefix extends string>(
  prefix: Prefix,
  values: Values<FrontParameters<Prefix>>,
  trustsForwarded: boolean,
): ProxySettings {
  const valueOf = <Name extends keyof Front>(name: Name): number =>
    values[`${prefix}${name}` as keyof FrontParameters<Prefix>] as unknown as number;
  return {
    headerTimeout: valueOf('HEADER_TIMEOUT'),
    idleTimeout: valueOf('IDLE_TIMEOUT'),
    connectTimeout: valueOf('CONNECT_TIMEOUT'),
    responseTimeout: valueOf('RESPONSE_TIMEOUT'),
    maxHeaderSize: valueOf('MAX_HEADER_SIZE'),
    retryAfter: valueOf('RETRY_AFTER'),
    trustsForwarded,
  };
}
