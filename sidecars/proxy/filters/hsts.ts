/** Strict-Transport-Security (RFC 6797) on every response, once. */
import type { Filter } from './filter.ts';

/** @param maxAge in milliseconds */
export function hsts(maxAge: number): Filter {
  const line = `Strict-Transport-Security: max-age=${Math.ceil(maxAge / 1000)}\r\n`;
  return {
    onResponse(_exchange, response) {
      response.delete('strict-transport-security');
      response.appendLines(line);
    },
  };
}
