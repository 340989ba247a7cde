/** Digests of images, asked of their registries (OCI distribution specification 1.1, "Pulling manifests"). */
import { explain } from '#kit/text/explain.ts';

/** Milliseconds for one image, its login included. */
const PATIENCE = 5000;
/** An answer to a login is short, in bytes. */
const MOST_TOKEN = 64 * 1024;
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** How a registry is asked. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What registries said. */
export interface Digests {
  /** By reference: `sha256:…`. */
  readonly found: ReadonlyMap<string, string>;
  /** Why there is none, by reference. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Ask for all at once; each has its own deadline. */
export async function digestsOf(references: readonly string[], ask: Fetch): Promise<Digests> {
  const found = new Map<string, string>();
  const failed = new Map<string, string>();
  await Promise.all(
    references.map(async (reference) => {
      try {
        found.set(reference, await digestOf(reference, ask));
      } catch (error) {
        failed.set(reference, explain(error));
      }
    }),
  );
  return { found, failed };
}

/** Where a reference points to: without a host it is Docker Hub's, as for docker. */
export function manifestUrl(reference: string): string {
  const [, path = reference, tag = 'latest'] = /^(.*?)(?::([^/:]+))?$/.exec(reference) ?? [];
  const [first = '', ...rest] = path.split('/');
  const named = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const host = named && first !== 'docker.io' ? first : 'registry-1.docker.io';
  const name = named ? rest.join('/') : path;
  const full = host === 'registry-1.docker.io' && !name.includes('/') ? `library/${name}` : name;
  // As docker does, which takes a registry of this machine without TLS.
  const scheme = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host) ? 'http' : 'https';
  return `${scheme}://${host}/v2/${full}/manifests/${tag}`;
}

/** @throws {Error} when the registry does not say it in time */
async function digestOf(reference: string, ask: Fetch): Promise<string> {
  const url = manifestUrl(reference);
  const signal = AbortSignal.timeout(PATIENCE);
  const head = (login: Record<string, string>): Promise<Response> =>
    ask(url, { method: 'HEAD', headers: { accept: MANIFESTS, ...login }, signal });
  let answer = await head({});
  if (answer.status === 401) {
    const token = await anonymousToken(answer.headers.get('www-authenticate') ?? '', ask, signal);
    answer = await head({ authorization: `Bearer ${token}` });
  }
  if (!answer.ok) throw new Error(`${new URL(url).host} answers ${answer.status}`);
  const digest = answer.headers.get('docker-content-digest') ?? '';
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`${new URL(url).host} names no digest`);
  return digest;
}

/** Docker Hub and others let everybody pull, with a token that everybody gets (CNCF distribution, "Token Authentication"). */
async function anonymousToken(challenge: string, ask: Fetch, signal: AbortSignal): Promise<string> {
  const parts = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]));
  const realm = parts.get('realm');
  if (!/^bearer /i.test(challenge) || realm === undefined) throw new Error('it wants a login');
  const url = new URL(realm);
  if (url.protocol !== 'https:') throw new Error('its login is not by https');
  for (const key of ['service', 'scope']) if (parts.has(key)) url.searchParams.set(key, parts.get(key)!);
  const answer = await ask(url.href, { signal });
  if (!answer.ok) throw new Error(`its login answers ${answer.status}`);
  const { token, access_token: other } = JSON.parse(await shortText(answer)) as Record<string, unknown>;
  const given = token ?? other;
  if (typeof given !== 'string' || !/^[\w.~+/=-]+$/.test(given)) throw new Error('its login gives no token');
  return given;
}

async function shortText({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > MOST_TOKEN) throw new Error('its login answers too much');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
