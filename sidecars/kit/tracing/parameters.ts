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

export const tracingParameters = {
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
    values: ['http/protobuf', 'http/json'],
    default: 'http/protobuf',
    description: 'Encoding of spans',
  },
  OTEL_EXPORTER_OTLP_COMPRESSION: {
    type: 'enum',
    values: ['none', 'gzip'],
    default: 'none',
    description: 'Compression of spans',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    type: 'string',
    secret: true,
    pattern: /^[^=,;\s"]+=[^,;"\\]*(,\s*[^=,;\s"]+=[^,;"\\]*)*$/,
    accepts: 'key=value pairs with commas between, values percent-encoded',
    description: 'Headers of requests to the collector, such as its token',
  },
  OTEL_EXPORTER_OTLP_TIMEOUT: {
    type: 'duration',
    unit: 'ms',
    default: '10000',
    min: 1,
    max: 600_000,
    description: 'How long the collector may take to answer',
  },
  OTEL_EXPORTER_OTLP_CERTIFICATE: {
    type: 'path',
    description: 'Certificate authorities in PEM that sign the collector’s certificate, instead of the public ones',
  },
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: {
    type: 'path',
    description: 'Certificate of this sidecar for the collector, in PEM',
  },
  OTEL_EXPORTER_OTLP_CLIENT_KEY: { type: 'path', description: 'Key of that certificate, in PEM' },
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
  const { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: cert, OTEL_EXPORTER_OTLP_CLIENT_KEY: key } = values;
  if ((cert === undefined) !== (key === undefined))
    refuse(
      key === undefined ? 'OTEL_EXPORTER_OTLP_CLIENT_KEY' : 'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
      'is not set; a client certificate and its key are set together',
      'missing',
    );
  const transport = {
    encoding: values.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json' ? json : protobuf,
    gzip: values.OTEL_EXPORTER_OTLP_COMPRESSION === 'gzip',
    headers: pairs('OTEL_EXPORTER_OTLP_HEADERS', values.OTEL_EXPORTER_OTLP_HEADERS?.split(',') ?? []),
    timeout: values.OTEL_EXPORTER_OTLP_TIMEOUT,
    ca: readable('OTEL_EXPORTER_OTLP_CERTIFICATE', values.OTEL_EXPORTER_OTLP_CERTIFICATE),
    cert: readable('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', cert),
    key: readable('OTEL_EXPORTER_OTLP_CLIENT_KEY', key),
  };
  const endpoint = endpointOf(values);
  return {
    collector: endpoint === undefined ? undefined : { ...transport, endpoint },
    transport,
    sampler: createSampler(values.OTEL_TRACES_SAMPLER, Number(values.OTEL_TRACES_SAMPLER_ARG ?? 1)),
    resource: {
      ...pairs('OTEL_RESOURCE_ATTRIBUTES', values.OTEL_RESOURCE_ATTRIBUTES ?? []),
      ...(values.OTEL_SERVICE_NAME !== undefined && { 'service.name': values.OTEL_SERVICE_NAME }),
    },
  };
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
