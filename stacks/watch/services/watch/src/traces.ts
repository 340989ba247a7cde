/** Spans in memory, by trace: the newest traces, as many as fit. */
import type { CollectedSpan } from '#kit/testing/otlp.ts';

const MAX_TRACES = 1000;
/** Of one trace: its further spans are left out. */
const MAX_SPANS = 200;

export interface Trace {
  readonly id: string;
  readonly spans: readonly CollectedSpan[];
}

export class Traces {
  readonly #traces = new Map<string, CollectedSpan[]>();

  /** Keep spans; the traces that began first go when there are too many. */
  add(spans: readonly CollectedSpan[]): void {
    for (const span of spans) {
      let trace = this.#traces.get(span.traceId);
      if (trace === undefined) {
        this.#traces.set(span.traceId, (trace = []));
        if (this.#traces.size > MAX_TRACES) this.#traces.delete(this.#traces.keys().next().value!);
      }
      if (trace.length < MAX_SPANS) trace.push(span);
    }
  }

  /** A trace with its spans as they began; undefined where none has come. */
  find(id: string): Trace | undefined {
    const spans = this.#traces.get(id);
    return spans && { id, spans: spans.toSorted((a, b) => Number(a.start - b.start)) };
  }

  /** The newest first. @param count at most */
  latest(count: number): readonly Trace[] {
    return [...this.#traces.keys()]
      .slice(-count)
      .reverse()
      .map((id) => this.find(id)!);
  }
}

/** A span in the tree that parents make. */
export interface Placed {
  readonly span: CollectedSpan;
  readonly depth: number;
}

/** Spans in the order of the tree, each behind its parent; one whose parent has not come is a root. */
export function tree(spans: readonly CollectedSpan[]): Placed[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId = '' }) => (ids.has(parentSpanId) ? parentSpanId : ''));
  const placed: Placed[] = [];
  const seen = new Set<CollectedSpan>();
  const place = (parent: string, depth: number): void => {
    for (const span of children.get(parent) ?? []) {
      if (seen.has(span)) continue;
      seen.add(span);
      placed.push({ span, depth });
      place(span.spanId, depth + 1);
    }
  };
  place('', 0);
  return placed;
}
