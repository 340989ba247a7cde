/** OpenTelemetry's variables are read as its specification says. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError, readParameters } from '../contract/parameters.ts';
import { temporaryDirectory } from '../testing/temporary.ts';
import { tracingParameters, tracingSettings, type TracingSettings } from './parameters.ts';

const settingsOf = (env: Record<string, string>): TracingSettings =>
  tracingSettings(readParameters(tracingParameters, { env }).values);

test('the endpoint is as OpenTelemetry builds it', () => {
  for (const [env, expected] of [
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, 'http://c:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }, 'https://c/otlp/v1/traces'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://d:1/x' },
      'http://d:1/x',
    ],
  ] as const)
    assert.is(settingsOf(env).collector?.endpoint, expected);
});

test('variables that cannot be used are an error at the start, without what is secret', () => {
  for (const [env, expected] of [
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_PROTOCOL.*http\/protobuf/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, /OTEL_EXPORTER_OTLP_HEADERS: the value/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=%secret' }, /OTEL_EXPORTER_OTLP_HEADERS has a value that is not percent-encoded/],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'a' }, /OTEL_RESOURCE_ATTRIBUTES/],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /OTEL_TRACES_SAMPLER/],
    [{ OTEL_TRACES_SAMPLER_ARG: '1.5' }, /OTEL_TRACES_SAMPLER_ARG.*a number from 0 to 1/],
    [{ OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere' }, /OTEL_EXPORTER_OTLP_CERTIFICATE: \/nowhere cannot be read/],
    [{ OTEL_EXPORTER_OTLP_CLIENT_KEY: '/k' }, /OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is not set/],
  ] as const) {
    const error = caught(() => settingsOf(env));
    assert.instance(error, ConfigurationError, JSON.stringify(env));
    assert.match((error as Error).message, expected);
    assert.not.match((error as Error).message, /secret/);
  }
});

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('what is said for spans alone goes before what is said for all signals', () => {
  const directory = temporaryDirectory('otlp');
  const file = (name: string): string => {
    writeFileSync(join(directory, name), '');
    return join(directory, name);
  };
  const all = {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=all',
    OTEL_EXPORTER_OTLP_TIMEOUT: '7',
    OTEL_EXPORTER_OTLP_CERTIFICATE: file('all.ca'),
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('all.crt'),
    OTEL_EXPORTER_OTLP_CLIENT_KEY: file('all.key'),
  };
  const own = {
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=own',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '8',
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: file('own.ca'),
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: file('own.crt'),
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: file('own.key'),
  };
  const shown = (env: Record<string, string>): unknown[] => {
    const { encoding, gzip, headers, timeout, ca, cert, key } = settingsOf(env).transport;
    return [
      encoding.contentType,
      gzip,
      headers['a'],
      timeout,
      ...[ca, cert, key].map((path) => path && basename(path)),
    ];
  };
  assert.equal(shown(all), ['application/json', true, 'all', 7, 'all.ca', 'all.crt', 'all.key']);
  assert.equal(shown({ ...all, ...own }), ['application/x-protobuf', false, 'own', 8, 'own.ca', 'own.crt', 'own.key']);
});

test('nothing is traced where the SDK is disabled, or spans have no exporter', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
  for (const [env, disabled] of [
    [{ OTEL_SDK_DISABLED: 'true' }, true],
    [{ OTEL_TRACES_EXPORTER: 'none' }, true],
    [{ OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }, false],
    [{ OTEL_SDK_DISABLED: '' }, false],
  ] as const) {
    const settings = settingsOf({ ...endpoint, ...env });
    assert.equal([settings.disabled, settings.collector === undefined], [disabled, disabled], JSON.stringify(env));
  }
});

test.run();
