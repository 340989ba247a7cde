/** The trace that a request belongs to: W3C Trace Context and B3, in and out. */
import type { Sampler } from '#kit/tracing/sampler.ts';
import type { SpanContext } from '#kit/tracing/span.ts';
import type { Request } from '#proxy/http/request.ts';
import { readTraceparent } from '#proxy/http/traceparent.ts';

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
  const context = request.traced ? contextOf(request) : undefined;
  const format = context?.format ?? 'w3c';
  if (request.traced) {
    // Of a trace that nobody can read (W3C Trace Context, section 3.3.1).
    if (context?.format !== 'w3c') request.delete('tracestate');
    if (format === 'w3c') request.delete('traceparent');
  }
  if (context === undefined) {
    const span = beginTrace(sampler);
    request.appendLines(span.line);
    return span;
  }
  const { traceId, spanId: parentId } = context;
  const span = { traceId, spanId: spanIdIn(nextLine()), parentId, sampled: sampler(traceId, context.sampled) };
  inject(request, span, format);
  return span;
}

/** A trace that begins here: of a request or a connection that carries none. Most are not sampled, and nobody reads their ids. */
class BegunTrace implements SpanContext {
  /** Its field, with CRLF. */
  readonly line: string;
  readonly sampled: boolean;
  readonly parentId = undefined;

  constructor(line: string, sampled: boolean) {
    this.line = line;
    this.sampled = sampled;
  }

  get traceId(): string {
    return traceIdIn(this.line);
  }

  get spanId(): string {
    return spanIdIn(this.line);
  }
}

export function beginTrace(sampler: Sampler): BegunTrace {
  const line = nextLine();
  const sampled = sampler(traceIdIn(line), undefined);
  return new BegunTrace(sampled ? `${line.slice(0, FLAG)}1\r\n` : line, sampled);
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

const BEFORE = 'traceparent: 00-';
const TRACE = BEFORE.length;
const SPAN = TRACE + 32 + 1;
/** The last digit of the flags: whether it is sampled. */
const FLAG = SPAN + 16 + 2;
const LENGTH = FLAG + 3;
const traceIdIn = (line: string): string => line.slice(TRACE, TRACE + 32);
const spanIdIn = (line: string): string => line.slice(SPAN, SPAN + 16);

/**
 * Fields of traces that are not sampled, one after the other, with new ids each time: a text that is cut out of another
 * is cheaper than one made of parts. Ids must differ and need not be secret, so that they are V8's random numbers: the
 * system's cost 0.2 µs a trace.
 */
const LINES = 128;
const block = Buffer.from(`${BEFORE}${'0'.repeat(32)}-${'0'.repeat(16)}-00\r\n`.repeat(LINES));
const HEX = Buffer.from('0123456789abcdef');
let lines = '';
let at = 0;

function nextLine(): string {
  if (at === lines.length) {
    for (let line = 0; line < block.length; line += LENGTH) {
      for (let digit = 0; digit < 32; digit += 8) writeRandom(line + TRACE + digit);
      for (let digit = 0; digit < 16; digit += 8) writeRandom(line + SPAN + digit);
    }
    lines = block.toString('latin1');
    at = 0;
  }
  const start = at;
  at += LENGTH;
  return lines.slice(start, at);
}

/** Eight hexadecimal digits. */
function writeRandom(to: number): void {
  let number = (Math.random() * 2 ** 32) | 0;
  for (let digit = 0; digit < 8; digit++) {
    block[to + digit] = HEX[number & 15]!;
    number >>>= 4;
  }
}
