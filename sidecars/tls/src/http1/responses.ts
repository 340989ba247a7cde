/** What the sidecar answers by itself. */
import type { Fault } from './scan-head.ts';

// By an import statement it would be 10 MB dearer: see kit/admin.ts.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** The status that a refused request gets. */
export function statusOf(fault: Fault): number {
  switch (fault) {
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

const EXPLAINED: Readonly<Record<number, string>> = {
  403: 'The client certificate is not accepted here.',
  408: 'The request did not arrive in time.',
  431: 'The request head is too large.',
  502: 'The application gave no valid answer.',
  503: 'The application is not up; try again soon.',
  504: 'The application did not answer in time.',
};

export interface OwnResponse {
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Fields and body of a response of the sidecar's own.
 * @param retryAfter seconds, for a 503
 * @param explained a sentence for whoever reads it, where the status has more than one cause
 */
export function ownResponse(
  status: number,
  retryAfter: number,
  hsts: string,
  explained = EXPLAINED[status],
): OwnResponse {
  const body = `${status} ${STATUS_CODES[status]}\n${explained === undefined ? '' : `${explained}\n`}`;
  return {
    fields: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': String(body.length),
      'Cache-Control': 'no-store',
      ...(status === 405 && { Allow: 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH' }),
      ...(status === 503 && { 'Retry-After': String(retryAfter) }),
      ...(hsts !== '' && { 'Strict-Transport-Security': hsts }),
    },
    body,
  };
}

/** The same as an HTTP/1 message. */
export function http1Response(status: number, { fields, body }: OwnResponse, close: boolean, toHead: boolean): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}Date: ${new Date().toUTCString()}\r\n${close ? 'Connection: close\r\n' : ''}\r\n${toHead ? '' : body}`;
}
