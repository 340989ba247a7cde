/**
 * OpenTelemetry's own variables, as parameters of a sidecar
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). An endpoint turns tracing on.
 */
import { accessSync, constants } from 'node:fs';
import { ConfigurationError, type Parameters, type Values } from '../contract/parameters.ts';
import { unreadable } from '../files/remedy.ts';
import type { Collector } from './exporter.ts';
import { json } from './json.ts';
import { protobuf } from './protobuf.ts';
import { createSampler, SAMPLERS, type Sampler } from './sampler.ts';
import type { Attributes } from './span.ts';

/** `key=value`; the value is percent-encoded. */
const PAIR = /^[^=,;\s"]+=[^,;"\\]*$/;

/** Of headers for the collector. */
const HEADERS = {
  type: 'string',
  secret: true,
  pattern: /^[^=,;\s"]+=[^,;"\\]*(,\s*[^=,;\s"]+=[^,;"\\]*)*$/,
  accepts: 'key=value pairs with commas between, values percent-encoded',
} as const;
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const COMPRESSIONS = ['none', 'gzip'] as const;
const MILLISECONDS = { type: 'duration', unit: 'ms', min: 1, max: 600_000 } as const;

const over = (name: string): string => `The same for spans alone; it goes before OTEL_EXPORTER_OTLP_${name}`;

export const tracingParameters = {
  OTEL_SDK_DISABLED: { type: 'boolean', default: 'false', description: 'Turns tracing off, whatever else is set' },
  OTEL_TRACES_EXPORTER: {
    type: 'enum',
    values: ['otlp', 'none'],
    default: 'otlp',
    description: 'Where spans go: `none`, nowhere, whatever else is set',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    type: 'url',
    description: 'Collector that takes spans by OTLP over HTTP, without the path /v1/traces; absent, nothing is traced',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    type: 'url',
    description: 'The same as a whole URL; it goes before OTEL_EXPORTER_OTLP_ENDPOINT',
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    type: 'enum',
    values: PROTOCOLS,
    default: 'http/protobuf',
    description: 'Encoding of spans',
  },
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: { type: 'enum', values: PROTOCOLS, description: over('PROTOCOL') },
  OTEL_EXPORTER_OTLP_COMPRESSION: {
    type: 'enum',
    values: COMPRESSIONS,
    default: 'none',
    description: 'Compression of spans',
  },
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: { type: 'enum', values: COMPRESSIONS, description: over('COMPRESSION') },
  OTEL_EXPORTER_OTLP_HEADERS: {
    ...HEADERS,
    description: 'Headers of requests to the collector, such as its token',
  },
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: { ...HEADERS, description: over('HEADERS') },
  OTEL_EXPORTER_OTLP_TIMEOUT: {
    ...MILLISECONDS,
    default: '10000',
    description: 'How long the collector may take to answer',
  },
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: { ...MILLISECONDS, description: over('TIMEOUT') },
  OTEL_EXPORTER_OTLP_CERTIFICATE: {
    type: 'path',
    description: 'Certificate authorities in PEM that sign the collector’s certificate, instead of the public ones',
  },
  OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: { type: 'path', description: over('CERTIFICATE') },
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: {
    type: 'path',
    description: 'Certificate of this sidecar for the collector, in PEM',
  },
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: { type: 'path', description: over('CLIENT_CERTIFICATE') },
  OTEL_EXPORTER_OTLP_CLIENT_KEY: { type: 'path', description: 'Key of that certificate, in PEM' },
  OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: { type: 'path', description: over('CLIENT_KEY') },
  OTEL_BSP_SCHEDULE_DELAY: {
    ...MILLISECONDS,
    default: '1000',
    description: 'How long a span waits for others at most, that they are sent together',
  },
  OTEL_BSP_EXPORT_TIMEOUT: {
    ...MILLISECONDS,
    default: '30000',
    description: 'How long spans are tried to be sent, all tries together; then they are dropped',
  },
  OTEL_BSP_MAX_QUEUE_SIZE: {
    type: 'integer',
    unit: 'spans',
    default: '2048',
    min: 1,
    max: 65_536,
    description: 'Most spans that wait, of 1 MiB together; further ones are dropped',
  },
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: {
    type: 'integer',
    unit: 'spans',
    default: '512',
    min: 1,
    max: 8192,
    description: 'Most spans of one request to the collector; OTEL_BSP_MAX_QUEUE_SIZE where that is less',
  },
  OTEL_SERVICE_NAME: { type: 'string', description: 'service.name of the spans; the sidecar’s own name where absent' },
  OTEL_RESOURCE_ATTRIBUTES: {
    type: 'list',
    pattern: PAIR,
    accepts: 'key=value pairs with commas between, values percent-encoded',
    description: 'Further attributes of all spans',
  },
  OTEL_TRACES_SAMPLER: {
    type: 'enum',
    values: SAMPLERS,
    default: 'parentbased_always_on',
    description:
      'Which traces are sent; parentbased ones do as the request says, and decide only of traces that begin here',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    type: 'string',
    pattern: /^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?|\.\d{1,9})$/,
    accepts: 'a number from 0 to 1',
    description: 'Share of the traces that traceidratio sends; 1 where absent',
  },
} as const satisfies Parameters;

export interface TracingSettings {
  /** Nothing is traced, whatever a policy says. */
  readonly disabled: boolean;
  /** Undefined where no endpoint was given. */
  readonly collector: Collector | undefined;
  /** Everything of a collector but where it is. */
  readonly transport: Omit<Collector, 'endpoint'>;
  readonly sampler: Sampler;
  /** What the variables say of the program; its name only where they have one. */
  readonly resource: Attributes;
}

/**
 * What the parameters say.
 * @throws {ConfigurationError} for a file that cannot be read, or a pair that cannot be decoded
 */
export function tracingSettings(values: Values<typeof tracingParameters>): TracingSettings {
  const [headersName, headers] = chosen(values, 'HEADERS');
  const [certName, cert] = chosen(values, 'CLIENT_CERTIFICATE');
  const [keyName, key] = chosen(values, 'CLIENT_KEY');
  if ((cert === undefined) !== (key === undefined))
    refuse(
      key === undefined ? keyName : certName,
      'is not set; a client certificate and its key are set together',
      'missing',
    );
  const queue = values.OTEL_BSP_MAX_QUEUE_SIZE;
  const transport = {
    encoding: chosen(values, 'PROTOCOL')[1] === 'http/json' ? json : protobuf,
    gzip: chosen(values, 'COMPRESSION')[1] === 'gzip',
    headers: pairs(headersName, headers?.split(',') ?? []),
    timeout: values.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? values.OTEL_EXPORTER_OTLP_TIMEOUT,
    ca: readable(...chosen(values, 'CERTIFICATE')),
    cert: readable(certName, cert),
    key: readable(keyName, key),
    batching: {
      period: values.OTEL_BSP_SCHEDULE_DELAY,
      timeout: values.OTEL_BSP_EXPORT_TIMEOUT,
      queue,
      batch: Math.min(values.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, queue),
    },
  };
  const disabled = values.OTEL_SDK_DISABLED || values.OTEL_TRACES_EXPORTER === 'none';
  const endpoint = disabled ? undefined : endpointOf(values);
  return {
    disabled,
    collector: endpoint === undefined ? undefined : { ...transport, endpoint },
    transport,
    sampler: createSampler(values.OTEL_TRACES_SAMPLER, Number(values.OTEL_TRACES_SAMPLER_ARG ?? 1)),
    resource: {
      ...pairs('OTEL_RESOURCE_ATTRIBUTES', values.OTEL_RESOURCE_ATTRIBUTES ?? []),
      ...(values.OTEL_SERVICE_NAME !== undefined && { 'service.name': values.OTEL_SERVICE_NAME }),
    },
  };
}

/** What can be said for spans alone, too. */
type Chosen = 'PROTOCOL' | 'COMPRESSION' | 'HEADERS' | 'CERTIFICATE' | 'CLIENT_CERTIFICATE' | 'CLIENT_KEY';

/** A value with the name of the variable that says it: that for spans alone before the one for all signals. */
function chosen(values: Values<typeof tracingParameters>, what: Chosen): [name: string, value: string | undefined] {
  const own = `OTEL_EXPORTER_OTLP_TRACES_${what}` as const;
  const all = `OTEL_EXPORTER_OTLP_${what}` as const;
  return values[own] === undefined ? [all, values[all]] : [own, values[own]];
}

function endpointOf(values: Values<typeof tracingParameters>): string | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole, OTEL_EXPORTER_OTLP_ENDPOINT: base } = values;
  if (whole !== undefined || base === undefined) return whole;
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function pairs(parameter: string, list: readonly string[]): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(
      list.map((pair) => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals).trim(), decodeURIComponent(pair.slice(equals + 1).trim())];
      }),
    );
  } catch {
    return refuse(parameter, 'has a value that is not percent-encoded', 'malformed');
  }
}

function readable(parameter: string, path: string | undefined): string | undefined {
  try {
    if (path !== undefined) accessSync(path, constants.R_OK);
  } catch (error) {
    refuse(parameter, `: ${unreadable(path!, error)}`, 'unreadable');
  }
  return path;
}

function refuse(parameter: string, wrong: string, reason: 'missing' | 'malformed' | 'unreadable'): never {
  const message = `${parameter}${wrong.startsWith(':') ? '' : ' '}${wrong}`;
  throw new ConfigurationError([{ parameter, reason, message }]);
}
