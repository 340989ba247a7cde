/** The operator's side: purging, and seeing what is stored. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import { GrowingBuffer } from '#kit/net/growing-buffer.ts';
import type { AdminHandler } from '#kit/life/admin.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { plainAddress } from '#proxy/sockets/connection.ts';
import type { DataPlane } from './data-plane.ts';
import { currentAge } from './policy/freshness.ts';

/** Largest body of a purge, in bytes. */
const MAX_BODY = 64 * 1024;
const LIMIT = 100;
const MAX_LIMIT = 10_000;

type Purge = { readonly kind: 'url' | 'prefix' | 'tag'; readonly value: string; readonly soft: boolean };

/** Who may purge and see what is stored. */
export interface Operators {
  /** Addresses and networks. */
  readonly from: readonly string[];
  /** That they show besides; none where undefined. */
  readonly token: string | undefined;
}

/** `POST /purge`. */
export function servePurge({ purger, stats }: Pick<DataPlane, 'purger' | 'stats'>, operators: Operators): AdminHandler {
  const admit = admission(operators);
  return async (request, response) => {
    if (!admit(request, response)) return;
    const body = await readBody(request);
    if (body === undefined) return refuse(response, 413, `accepted are at most ${MAX_BODY} bytes`);
    const purge = parsePurge(body);
    if (purge === undefined)
      return refuse(
        response,
        400,
        'accepted is JSON: one of "url", "prefix" and "tag" as text, and "soft" as true or false',
      );
    stats.purged(purge.kind);
    answer(response, 200, { purged: PURGES[purge.kind](purger, purge.value, purge.soft) });
  };
}

const PURGES = {
  url: (purger: DataPlane['purger'], value: string, soft: boolean) => purger.purgeUrl(value, soft),
  prefix: (purger: DataPlane['purger'], value: string, soft: boolean) => purger.purgePrefix(value, soft),
  tag: (purger: DataPlane['purger'], value: string, soft: boolean) => purger.purgeTag(value, soft),
};

/** `GET /objects`. */
export function serveObjects({ store }: Pick<DataPlane, 'store'>, operators: Operators): AdminHandler {
  const admit = admission(operators);
  return (request, response) => {
    if (!admit(request, response)) return;
    const query = new URL(request.url ?? '/', 'http://admin').searchParams;
    const prefix = query.get('prefix') ?? '';
    const limit = Number(query.get('limit') ?? LIMIT);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      return refuse(response, 400, `limit: accepted is a whole number, 1 to ${MAX_LIMIT}`);
    const now = Date.now();
    const objects = [];
    for (const stored of store.memory) {
      if (objects.length === limit) break;
      const { url, size, head } = stored;
      if (!url.startsWith(prefix)) continue;
      const age = currentAge(head, now);
      objects.push({
        url,
        status: head.status,
        bytes: size,
        age: Math.floor(age),
        ttl: Math.floor(head.staleSince === undefined ? head.freshness.lifetime - age : (head.staleSince - now) / 1000),
        vary: Object.fromEntries(head.selecting.map(([name, value]) => [name, value ?? null])),
        tags: head.tags,
      });
    }
    answer(response, 200, { objects, stored: store.memory.count, bytes: store.memory.bytes });
  };
}

/** Whether a request is an operator's; it is refused where it is not. @throws as `allowedFrom` */
function admission({ from, token }: Operators): (request: IncomingMessage, response: ServerResponse) => boolean {
  const allowed = allowedFrom(from);
  const expected = token === undefined ? undefined : hash('sha256', `Bearer ${token}`, 'buffer');
  return (request, response) => {
    if (!allowed(request)) refuse(response, 403, 'this address may not; see CACHE_PURGE_FROM');
    else if (
      expected !== undefined &&
      !timingSafeEqual(expected, hash('sha256', request.headers.authorization ?? '', 'buffer'))
    )
      refuse(response, 401, 'this is not the token; see CACHE_PURGE_TOKEN');
    else return true;
    return false;
  };
}

/**
 * Who may: by the address of the connection, whatever the request says.
 * @throws {ConfigurationError} for what is no address or network
 */
function allowedFrom(from: readonly string[]): (request: IncomingMessage) => boolean {
  const list = new BlockList();
  for (const item of from) {
    const [address, bits] = item.split('/') as [string, string?];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    try {
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
    } catch {
      const message = `CACHE_PURGE_FROM: ${item} is no address or network; accepted are IP addresses and networks, as 10.0.0.0/8`;
      throw new ConfigurationError([{ parameter: 'CACHE_PURGE_FROM', reason: 'malformed', message }]);
    }
  }
  return ({ socket }) => {
    const address = plainAddress(socket.remoteAddress);
    return address !== 'unknown' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const body = new GrowingBuffer();
  for await (const piece of request as AsyncIterable<Buffer>) {
    if (body.length + piece.length > MAX_BODY) return undefined;
    body.add(piece);
  }
  return body.bytes.toString();
}

/** @returns undefined for what is no purge */
export function parsePurge(text: string): Purge | undefined {
  let asked: unknown;
  try {
    asked = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return undefined;
  const { soft = false, ...rest } = asked as Record<string, unknown>;
  const entries = Object.entries(rest);
  const [kind, value] = entries[0] ?? [];
  if (entries.length !== 1 || typeof soft !== 'boolean' || typeof value !== 'string' || value === '') return undefined;
  return kind === 'url' || kind === 'prefix' || kind === 'tag' ? { kind, value, soft } : undefined;
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  answer(response, status, { error: reason });
}

function answer(response: ServerResponse, status: number, body: object): void {
  // A body that was not read to its end cannot be followed by another request.
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 413 && { connection: 'close' }) });
  response.end(`${JSON.stringify(body)}\n`);
}
