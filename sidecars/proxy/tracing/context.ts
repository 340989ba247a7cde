/** The trace that a request belongs to: W3C Trace Context and B3, in and out. */
import { randomBytes } from 'node:crypto';
import type { Sampler } from '#kit/tracing/sampler.ts';
import type { SpanContext } from '#kit/tracing/span.ts';
import type { Request } from '#proxy/http/request.ts';
import { readTraceparent } from '#proxy/http/traceparent.ts';

/** Without it there is no field of a trace, in any spelling: most requests are looked at once, not for each field. */
const ANY = /trace(?:parent|state)|b3/i;
const TRACE_ID = /^(?:[0-9a-f]{16}){1,2}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;
const ZEROS = /^0+$/;

/** What a request says of its trace; a trace that cannot be read is none. */
interface Context {
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined: to be decided. */
  readonly sampled: boolean | undefined;
  readonly format: 'w3c' | 'b3' | 'b3-single';
}

/** The span of this hop: of the request's trace, or of one that begins here. The request carries it on. */
export function beginSpan(request: Request, sampler: Sampler): SpanContext {
  const bare = request.lacksText(ANY);
  const context = bare ? undefined : contextOf(request);
  const traceId = context?.traceId ?? randomHex(16);
  const span: SpanContext = {
    traceId,
    spanId: randomHex(8),
    parentId: context?.spanId,
    sampled: sampler(traceId, context?.sampled),
  };
  const format = context?.format ?? 'w3c';
  if (!bare) {
    // Of a trace that nobody can read (W3C Trace Context, section 3.3.1).
    if (context?.format !== 'w3c') request.delete('tracestate');
    if (format === 'w3c') request.delete('traceparent');
  }
  inject(request, span, format);
  return span;
}

/** A span whose trace begins here: of what carries none, such as a connection. */
export function beginTrace(sampler: Sampler): SpanContext {
  const traceId = randomHex(16);
  return { traceId, spanId: randomHex(8), parentId: undefined, sampled: sampler(traceId, undefined) };
}

/** A B3 trace id of 64 bits is one of 128 with zeros before. */
const long = (traceId: string): string => traceId.padStart(32, '0');

function contextOf(request: Request): Context | undefined {
  const parent = readTraceparent(request.getAll('traceparent'));
  if (parent !== undefined) return { ...parent, format: 'w3c' };
  return b3Single(request.get('b3')) ?? b3(request);
}

/** `{TraceId}-{SpanId}-{SamplingState}-{ParentSpanId}`: https://github.com/openzipkin/b3-propagation */
function b3Single(text: string | undefined): Context | undefined {
  if (text === undefined) return undefined;
  const [traceId = '', spanId = '', state] = text.toLowerCase().split('-', 4);
  return b3Context(traceId, spanId, state, 'b3-single');
}

function b3(request: Request): Context | undefined {
  const traceId = request.get('x-b3-traceid')?.toLowerCase();
  if (traceId === undefined) return undefined;
  const state = request.get('x-b3-flags') === '1' ? 'd' : request.get('x-b3-sampled')?.toLowerCase();
  return b3Context(traceId, request.get('x-b3-spanid')?.toLowerCase() ?? '', state, 'b3');
}

function b3Context(
  traceId: string,
  spanId: string,
  state: string | undefined,
  format: Context['format'],
): Context | undefined {
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId) || ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  const sampled = state === undefined ? undefined : state === '1' || state === 'd' || state === 'true';
  return { traceId: long(traceId), spanId, sampled, format };
}

/** In the format that it came in: who speaks B3 alone would not know the other. */
function inject(
  request: Request,
  { traceId, spanId, parentId, sampled }: SpanContext,
  format: Context['format'],
): void {
  const state = sampled ? '1' : '0';
  if (format === 'w3c') {
    request.appendLines(`traceparent: 00-${traceId}-${spanId}-0${state}\r\n`);
  } else if (format === 'b3-single') {
    request.set('b3', `${traceId}-${spanId}-${state}${parentId === undefined ? '' : `-${parentId}`}`);
  } else {
    request.set('X-B3-TraceId', traceId);
    request.set('X-B3-SpanId', spanId);
    if (parentId !== undefined) request.set('X-B3-ParentSpanId', parentId);
    if (!request.has('x-b3-flags')) request.set('X-B3-Sampled', state);
  }
}

/** In bytes. */
const POOL = 1536;
let pool = '';
let at = 0;

/** Random digits from a pool: asking the system for eight bytes costs as much as for a thousand. */
function randomHex(bytes: number): string {
  const end = at + 2 * bytes;
  if (end > pool.length) {
    pool = randomBytes(POOL).toString('hex');
    at = 0;
    return randomHex(bytes);
  }
  const start = at;
  at = end;
  return pool.slice(start, end);
}
