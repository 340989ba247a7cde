/** What the proxy answers by itself. */
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import { LENGTH, NO_BODY, UNKNOWN_LENGTH } from './message.ts';
import type { Reply } from './reply.ts';
import { Response } from './response.ts';
import type { RejectReason } from './scan-head.ts';

// By an import statement it would be 10 MB dearer: see kit/life/admin.ts.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** The status that a refused request gets. */
export function statusOf(reason: RejectReason | 'timeout'): number {
  switch (reason) {
    case 'timeout':
      return 408;
    case 'coding':
      return 501;
    case 'expect':
      return 417;
    case 'too_large':
      return 431;
    case 'version':
      return 505;
    case 'method':
      return 405;
    default:
      return 400;
  }
}

/** The status that a client gets whose request no endpoint answered. */
export const STATUS_OF_FAILURE: Readonly<Record<UpstreamFailure, number>> = {
  connect: 503,
  connect_timeout: 503,
  no_endpoint: 503,
  closed: 502,
  invalid_response: 502,
  truncated: 502,
  response_timeout: 504,
  body_timeout: 504,
  request_timeout: 408,
};

const EXPLANATIONS: Readonly<Record<number, string>> = {
  403: 'The client certificate is not accepted here.',
  408: 'The request did not arrive in time.',
  431: 'The request head is too large.',
  500: 'The proxy failed; its log says why.',
  502: 'The application gave no valid answer.',
  503: 'The application is not up; try again soon.',
  504: 'The application did not answer in time.',
};

/**
 * A plain answer that says what its status means.
 * @param retryAfter milliseconds, for a 503
 * @param explained a sentence for the reader, where the status has more than one cause
 */
export function plainReply(status: number, retryAfter: number, explanation = EXPLANATIONS[status]): Reply {
  return {
    status,
    fields: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Cache-Control', 'no-store'],
      ...(status === 405 ? [['Allow', 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH'] as const] : []),
      ...(status === 503 ? [['Retry-After', String(Math.ceil(retryAfter / 1000))] as const] : []),
    ],
    body: `${status} ${STATUS_CODES[status]}\n${explanation === undefined ? '' : `${explanation}\n`}`,
  };
}

/** An answer's body as bytes; undefined for one that comes in time. */
export function bytesOf({ body }: Reply): Buffer | undefined {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  return body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : undefined;
}

/**
 * The response that an answer makes.
 * @param size of its body in bytes; undefined when it is not known
 * @param toHead it answers a HEAD request
 * @throws {TypeError} for fields that are none
 */
export function responseOf({ status, fields, lines }: Reply, size: number | undefined, toHead: boolean): Response {
  const bodiless = status === 204 || status === 304 || status < 200;
  const response = new Response({
    status,
    body: toHead || bodiless || size === 0 ? NO_BODY : size === undefined ? UNKNOWN_LENGTH : LENGTH,
    length: bodiless || size === undefined ? -1 : size,
    ...(lines !== undefined && { lines }),
  });
  if (lines !== undefined) return response;
  for (const [name, value] of fields ?? []) response.append(name, value);
  if (!response.has('date')) response.appendLines(`Date: ${new Date().toUTCString()}\r\n`);
  return response;
}

/** A status line of HTTP/1. */
export const statusLine = (status: number): string => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;

/** An answer with a body that is there, as an HTTP/1 message after which the connection is closed. */
export function http1Text(reply: Reply): string {
  const bytes = bytesOf(reply) ?? Buffer.alloc(0);
  const response = responseOf(reply, bytes.length, false);
  return `${statusLine(reply.status)}${response.lines()}${response.lengthLine}Connection: close\r\n\r\n${bytes.toString('latin1')}`;
}
