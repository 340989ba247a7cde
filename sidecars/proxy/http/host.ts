/** `Host` and authority: uri-host [ ":" port ] (RFC 9110, section 7.2; RFC 3986, section 3.2). */

const HOST = /^(?:\[[0-9a-f:.]{2,45}\]|(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+)(?::(\d{0,5}))?$/i;

/**
 * Whether a text is a host with or without a port, and not empty, as https demands.
 */
export function validHost(text: string): boolean {
  if (text.length > 300) return false;
  const match = HOST.exec(text);
  return match !== null && Number(match[1] ?? 0) <= 65_535;
}

/** The port that a valid host names. */
export function portOf(host: string): string | undefined {
  return /:(\d+)$/.exec(host)?.[1];
}

/** A valid host without its port. */
export function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '');
}
