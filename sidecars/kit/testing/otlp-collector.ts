/** A collector of a test. */
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { spansOf, type CollectedSpan } from './otlp.ts';
import { serve, type TestServer } from './server.ts';

export interface TestCollector extends TestServer {
  readonly spans: CollectedSpan[];
  /** Headers of the requests that came. */
  readonly requests: IncomingHttpHeaders[];
  /** Instead of taking what comes; false to take it all the same. */
  answer: (request: IncomingMessage, response: ServerResponse, spans: number) => boolean;
}

/** @param tls PEM of its key and certificate, for https */
export async function startCollector(tls?: { readonly key: string; readonly cert: string }): Promise<TestCollector> {
  const spans: CollectedSpan[] = [];
  const requests: IncomingHttpHeaders[] = [];
  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      requests.push(incoming.headers);
      const read = spansOf(Buffer.concat(chunks), incoming.headers);
      if (collector.answer(incoming, response, read.length)) return;
      spans.push(...read);
      response.end();
    });
  };
  const server = await serve(tls === undefined ? listener : createServer(tls, listener));
  const url = tls === undefined ? server.url : server.url.replace('http:', 'https:');
  const collector: TestCollector = Object.assign(server, { url, spans, requests, answer: () => false });
  return collector;
}
