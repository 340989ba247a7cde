/** Attacks on the cache: most of them fill its memory. */
import { several } from '../client.ts';
import type { Attack, AttackContext, AttackSuite } from '../suite.ts';
import { ask, get, head, stall } from './client.ts';

/** Nearly as long as a head may be. */
const LONG = 14_000;

let serial = 0;
const unique = ({ random }: AttackContext): string => `${++serial}-${random.below(2 ** 31)}`;
const long = (context: AttackContext): string => unique(context).padEnd(LONG, 'x');

/** Requests on some connections, none of them like another. */
const requests =
  (next: (context: AttackContext) => string): Attack =>
  (context) =>
    several(20, () => ask(context.signal, () => next(context)));

/** Clients that do not read what they ask for. @param times that each asks for it, in a pipeline */
const readers =
  (count: number, path: (context: AttackContext, index: number) => string, taken = 0, times = 1): Attack =>
  (context) =>
    several(count, (index) => stall(context.signal, head(path(context, index)).repeat(times), taken));

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9907',
  gauges: ['cache_connections_open', 'cache_requests_in_flight'],
  never: ['cache_internal_errors_total'],
  attacks: {
    'long values under Vary': requests((context) =>
      head(`/varying/${context.random.below(1000)}`, `Accept-Encoding: ${long(context)}\r\n`),
    ),
    'long values of an unknown field under Vary': requests((context) =>
      head(`/varying/${context.random.below(1000)}`, `X-Any: ${long(context)}\r\n`),
    ),
    'long URLs that are not stored': requests((context) => head(`/small/${long(context)}`)),
    'long URLs that are stored, on the disk, too': requests((context) => head(`/stored/${long(context)}`)),
    'small pages that are stored, on the disk, too': requests((context) => head(`/stored/${unique(context)}`)),
    'clients that do not read many small pages': readers(600, () => '/stored/same', 0, 500),
    'errors of many URLs': requests((context) => head(`/error/${long(context)}`)),
    'clients that do not read what is not stored': readers(600, (context) => `/private/${unique(context)}`),
    'clients that do not read the same page that is not stored': readers(600, () => '/private/same'),
    'clients that do not read large pages': readers(200, (context) => `/large/${unique(context)}`),
    'clients that do not read the same large page': readers(400, () => '/large/same'),
    'clients that sip at a body without end': readers(50, () => '/endless', 1000),
    'clients of an application that hangs': readers(600, (context) => `/hung/${long(context)}`),
    'many parts of a large page': requests((context) => {
      const from = context.random.below(1000);
      const parts = Array.from({ length: 15 }, (_, index) => `${from + index * 4000}-${from + index * 4000 + 10}`);
      return head('/large/same', `Range: bytes=${parts.join(',')}\r\n`);
    }),
  },
  async good(signal) {
    const body = await get('/good', signal);
    if (body !== 'hi') throw new Error(`answered ${JSON.stringify(body)}`);
  },
};
