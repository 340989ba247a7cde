/** The handler of a watch. */
import type { Store } from '../store/store.ts';
import type { Hub } from '../watch/hub.ts';
import { EventStream } from '../watch/stream.ts';
import { durationOf } from './duration.ts';
import type { Call, Handler } from './server.ts';

const SHORTEST_HEARTBEAT = 1000;
const LONGEST_HEARTBEAT = 60_000;

/** What a watch asks for. */
interface WatchRequest {
  /** All documents when absent. */
  readonly keys: readonly string[] | undefined;
  readonly since: number | undefined;
  /** As in a query: `10s`. */
  readonly heartbeat: string | undefined;
  readonly reports: boolean | undefined;
}

/** @param heartbeat milliseconds, for those who ask for no other */
export function watchHandlers(store: Store, hub: Hub, heartbeat: number): Record<string, Handler> {
  return {
    watch: ({ request, reply, query, caller }) => {
      const since = sinceOf(request.headers['last-event-id']) ?? (query['since'] as number | undefined);
      return open(reply, caller.name, {
        ...(query as unknown as WatchRequest),
        keys: query['key'] as string[] | undefined,
        since,
      });
    },
    // For more documents than a URL can name.
    watchMany: ({ request, reply, caller }) => {
      const { keys, since, heartbeat: beat, reports } = request.body as WatchRequest;
      return open(reply, caller.name, {
        keys,
        since: sinceOf(request.headers['last-event-id']) ?? since,
        heartbeat: beat,
        reports,
      });
    },
  };

  function open(reply: Call['reply'], owner: string, wish: WatchRequest): unknown {
    const keys = wish.keys && new Set(wish.keys);
    const beat = durationOf(wish.heartbeat, { name: 'heartbeat', min: SHORTEST_HEARTBEAT, max: LONGEST_HEARTBEAT });
    let stream: EventStream | undefined;
    const leave = hub.add({
      owner,
      keys,
      onChange: (change, audience) => stream?.change(change, audience),
      ...(wish.reports === true && {
        onReport: (key, version, report) => stream?.report(key, version, report),
      }),
      onEnd: () => stream?.end(),
    });
    reply.raw.once('close', leave);
    reply.hijack();
    stream = new EventStream(reply.raw, beat ?? heartbeat, reply.getHeaders() as Record<string, string>);
    begin(stream, keys, wish.since);
    return reply;
  }

  /** What the client missed. */
  function begin(stream: EventStream, keys: ReadonlySet<string> | undefined, since: number | undefined): void {
    const known = since !== undefined && since >= store.born && since <= store.revision;
    if (since !== undefined && !known) stream.reset(store.revision);
    const missed = known ? store.documents.since(since) : store.documents.list();
    for (const change of missed) if (keys?.has(change.key) ?? true) stream.change(change);
  }
}

/** A browser's own EventSource sends an empty one at first. */
function sinceOf(lastEventId: string | string[] | undefined): number | undefined {
  if (lastEventId === undefined || lastEventId === '') return undefined;
  // What is no revision is of no store: it resets.
  return /^\d{1,15}$/.test(String(lastEventId)) ? Number(lastEventId) : Number.NaN;
}
