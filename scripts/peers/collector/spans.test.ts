/** An OpenTelemetry Collector takes the spans of the kit, in both encodings, packed and not, and passes them on unchanged. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParameters } from '#kit/contract/parameters.ts';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { CollectedSpan } from '#kit/testing/otlp.ts';
import { startCollector } from '#kit/testing/otlp-collector.ts';
import { freePort } from '#kit/testing/ports.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { SpanExporter } from '#kit/tracing/exporter.ts';
import { tracingParameters, tracingSettings } from '#kit/tracing/parameters.ts';
import { failureEvent, type SpanRecord } from '#kit/tracing/span.ts';
import { findPeer, notBuilt } from '../../lib/go-program.ts';
import { startPeer } from '../start-peer.ts';

const SPANS = 600;
const ENCODINGS = ['http/protobuf', 'http/json'] as const;
const COMPRESSIONS = ['none', 'gzip'] as const;
const TEXTS = ['', 'é€😀', 'a\nb\t"c"\\', '/a?b=%20', '\u0000', 'x'.repeat(1000)];
/** Of the first span, in milliseconds since the epoch; a quarter more is 250,000 ns. */
const BEGIN = 1_764_000_000_000.25;

/** A span in which every field differs from its neighbour's; each kind of value comes at its bounds. */
function spanOf(index: number, run: number): SpanRecord {
  const failed = index % 3 === 0;
  const start = BEGIN + index * 1.5;
  return {
    context: {
      traceId: (BigInt(run + 1) * 2n ** 96n + BigInt(index)).toString(16).padStart(32, '0'),
      spanId: (2n ** 63n + BigInt(index)).toString(16),
      parentId: index % 2 === 0 ? undefined : (2n ** 63n + BigInt(index - 1)).toString(16),
      sampled: true,
    },
    name: `GET ${TEXTS[index % TEXTS.length]!}`,
    kind: index % 4 === 0 ? 'client' : 'server',
    start,
    end: start + (index % 7),
    attributes: {
      text: TEXTS[(index + 1) % TEXTS.length],
      whole: [0, 1, 127, 128, 2 ** 31, 2 ** 53 - 1][index % 6],
      below: -index,
      part: index / 8,
      yes: index % 5 === 0,
      [`key ${index % 11}`]: index,
    },
    events: failed ? [failureEvent(start + 0.5, 'connect', TEXTS[(index + 2) % TEXTS.length]!)] : [],
    error: failed ? `Nobody took ${index}.` : undefined,
  };
}

/** The same span as a collector's reader has it. */
function expected({ context, name, kind, start, end, attributes, events, error }: SpanRecord): CollectedSpan {
  const nanoseconds = (ms: number): bigint => BigInt(Math.floor(ms)) * 1_000_000n + BigInt((ms % 1) * 1_000_000);
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: context.parentId,
    name,
    kind,
    start: nanoseconds(start),
    end: nanoseconds(end),
    attributes,
    events: events.map((event) => ({ name: event.name, attributes: event.attributes })),
    error,
    resource: { 'service.name': 'shop', 'deployment.environment.name': 'a b' },
    scope: 'example 1.2.3',
  };
}

const path = await findPeer('collector');
const NAME = `${SPANS * ENCODINGS.length * COMPRESSIONS.length} spans go through a collector as they were`;
if (path === undefined) skipped(NAME, notBuilt('collector'));
else
  test(NAME, async () => {
    await using store = await startCollector();
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const file = join(temporaryDirectory('collector'), 'collector.yaml');
    const pipeline = { receivers: ['otlp'], exporters: ['otlp_http'] };
    const configuration = {
      receivers: { otlp: { protocols: { http: { endpoint: endpoint.replace('http://', '') } } } },
      exporters: { otlp_http: { endpoint: store.url } },
      service: { pipelines: { traces: pipeline }, telemetry: { metrics: { level: 'none' } } },
    };
    writeFileSync(file, JSON.stringify(configuration));
    const peer = await startPeer(path, ['--config', file], async () => {
      const { status } = await request(`${endpoint}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      return status === 200;
    });
    try {
      let run = 0;
      for (const protocol of ENCODINGS)
        for (const compression of COMPRESSIONS) {
          store.spans.length = 0;
          const sent = await send(endpoint, protocol, compression, run++);
          const what = `${protocol}, ${compression}`;
          await eventually(`all arrived: ${what}`, () => store.spans.length >= SPANS, { within: 60_000 });
          const arrived = new Map(store.spans.map((span) => [span.spanId, span]));
          assert.is(store.spans.length, SPANS, what);
          for (const span of sent) {
            const { parentSpanId, ...rest } = arrived.get(span.context.spanId)!;
            assert.equal({ ...rest, parentSpanId: parentSpanId || undefined }, expected(span), what);
          }
        }
    } finally {
      await peer.stop();
    }
  });

/** By the exporter of the kit, which must have had no answer but a good one. */
async function send(endpoint: string, protocol: string, compression: string, run: number): Promise<SpanRecord[]> {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_COMPRESSION: compression,
    OTEL_SERVICE_NAME: 'shop',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20b',
  };
  const { collector, resource } = tracingSettings(readParameters(tracingParameters, { env }).values);
  let exported = 0;
  const problems: string[] = [];
  const log = (about: unknown, text?: string): void => void problems.push(`${text} ${JSON.stringify(about)}`);
  const exporter = new SpanExporter({
    log: { warn: log, info: log },
    resource: () => resource,
    scope: { name: 'example', version: '1.2.3' },
    onExported: (spans) => (exported += spans),
    onDropped: (spans) => problems.push(`${spans} dropped`),
  });
  exporter.update(collector);
  const spans = Array.from({ length: SPANS }, (_, index) => spanOf(index, run));
  for (const span of spans) exporter.export(span);
  await eventually(`the collector takes all: ${problems.join()}`, () => exported === SPANS, { within: 60_000 });
  await exporter.close();
  assert.equal(problems, []);
  return spans;
}

test.run();
