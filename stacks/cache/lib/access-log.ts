/** What the shop's log says that it was asked. */

/**
 * The lines of the requests for one page. lighttpd logs a request whose head it could not read (431) without
 * method and version, but with the target of the request before it on the same connection: that was not
 * asked a second time.
 * @param log in the format `%r %s`
 * @param target with its query, as it was sent
 */
export function requestsFor(log: string, target: string): string[] {
  return log.split('\n').filter((line) => {
    const [method, asked, version] = line.split(' ');
    return method !== '' && asked === target && version?.startsWith('HTTP/') === true;
  });
}
