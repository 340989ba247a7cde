/** Marking a response as one client's own, so that no shared cache gives it to another (RFC 9111, section 5.2.2.7). */
import type { Response } from '#proxy/http/response.ts';

/** Fields that some caches believe more than Cache-Control (RFC 9213, nginx, Varnish and Fastly). */
const TARGETED = ['CDN-Cache-Control', 'Surrogate-Control', 'X-Accel-Expires'] as const;
/** Directives that let shared caches keep a response, or make `private` concern some fields only. */
const SHARED = /^(?:public|s-maxage|private)\b/i;

/** Add `Cache-Control: private`; what says the contrary goes, what else the application says stays. */
export function markPrivate(response: Response): void {
  for (const name of TARGETED) response.delete(name);
  const said = response.get('cache-control');
  if (said !== undefined && /public|s-maxage|private/i.test(said)) {
    // Directives with a comma within quotes are taken apart, too: then nothing of them is believed.
    const kept = said.split(',').map((directive) => directive.trim());
    response.delete('cache-control');
    for (const directive of kept)
      if (/^[\w-]+(?:=[\w-]+)?$/.test(directive) && !SHARED.test(directive))
        response.append('Cache-Control', directive);
  }
  response.appendLines('Cache-Control: private\r\n');
}
