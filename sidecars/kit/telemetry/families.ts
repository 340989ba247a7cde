/**
 * Metrics as protocol buffers, one MetricFamily after the other, each behind its length. Field numbers are those of
 * io/prometheus/client/metrics.proto; a histogram has its classic buckets and its native ones.
 */
import { bytes, double, integer, message, text, varint, zigzag } from '../text/protobuf.ts';
import { ZERO_THRESHOLD, type NativeBuckets } from './native-buckets.ts';
import type { Exemplar, Labels, MetricSnapshot, Sample } from './series.ts';

/** Of MetricType, and of the member of Metric that holds the value. */
const TYPES = { counter: [0, 3], gauge: [1, 2], histogram: [4, 7] } as const;

/** @param metrics each name once */
export function exposeFamilies(metrics: readonly MetricSnapshot[]): Buffer {
  return Buffer.concat(
    // A family without a series says nothing, and Prometheus refuses it.
    metrics
      .filter(({ values }) => values.length > 0)
      .flatMap((metric) => {
        const family = familyOf(metric);
        return [Buffer.from(varint(family.length)), family];
      }),
  );
}

function familyOf({ name, help, type, values }: MetricSnapshot): Buffer {
  const [number, member] = TYPES[type];
  const series =
    type === 'histogram'
      ? seriesOf(values).map((samples) => [labelsOf(samples.at(-1)!.labels), histogramOf(samples)] as const)
      : values.map(({ labels, value }) => [labelsOf(labels), double(1, value)] as const);
  const metrics = series.map(([labels, value]) => message(4, [...labels, bytes(member, value)]));
  return Buffer.concat([text(1, name), text(2, help), integer(3, number), ...metrics]);
}

const labelsOf = (labels: Labels): Buffer[] => Object.entries(labels).map(([name, value]) => labelOf(name, value));

const labelOf = (name: string, value: string | number): Buffer => message(1, [text(1, name), text(2, String(value))]);

/** A histogram's samples by series: buckets, sum, count. */
function seriesOf(values: readonly Sample[]): Sample[][] {
  const series: Sample[][] = [];
  let open: Sample[] = [];
  for (const sample of values) {
    open.push(sample);
    if (sample.suffix !== '_count') continue;
    series.push(open);
    open = [];
  }
  return series;
}

function histogramOf(samples: readonly Sample[]): Buffer {
  const parts: Buffer[] = [];
  for (const { suffix, labels, value, exemplar, native } of samples)
    if (suffix === '_bucket') parts.push(bytes(3, bucketOf(Number(labels['le']), value, exemplar)));
    else if (suffix === '_sum') parts.push(double(2, value));
    else parts.push(integer(1, value), ...(native === undefined ? [] : nativeOf(native)));
  return Buffer.concat(parts);
}

/** @param bound NaN for `+Inf` */
const bucketOf = (bound: number, count: number, exemplar: Exemplar | undefined): Buffer =>
  Buffer.concat([
    integer(1, count),
    double(2, Number.isNaN(bound) ? Infinity : bound),
    ...(exemplar === undefined ? [] : [bytes(3, exemplarOf(exemplar))]),
  ]);

function exemplarOf({ labels, value, time }: Exemplar): Buffer {
  const seconds = Math.floor(time);
  const timestamp = [integer(1, seconds), integer(2, Math.floor((time - seconds) * 1e9))];
  return Buffer.concat([...labelsOf(labels), double(2, value), message(3, timestamp)]);
}

/** One span of buckets; each count is told as the difference to the one before. */
function nativeOf({ schema, zero, first, counts }: NativeBuckets): Buffer[] {
  const parts = [integer(5, zigzag(schema)), double(6, ZERO_THRESHOLD), integer(7, zero)];
  if (counts.length === 0) return parts;
  const deltas = counts.flatMap((count, place) => varint(zigzag(count - (counts[place - 1] ?? 0))));
  const span = Buffer.concat([integer(1, zigzag(first)), integer(2, counts.length)]);
  return [...parts, bytes(12, span), bytes(13, Buffer.from(deltas))];
}
