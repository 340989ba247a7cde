/**
 * A watch as server-sent events (HTML Living Standard, section 9.2): `id` is the revision, so that a
 * client that comes back says in Last-Event-ID how far it was.
 */
import type { ServerResponse } from 'node:http';
import type { Report, Version } from '../store/types.ts';

/** A client that reads slower than this fills, in bytes, is let go; it resumes where it was. */
const MOST_UNREAD = 256 * 1024;

interface Told {
  readonly change: Version;
  readonly watchers: number | undefined;
}

export class EventStream {
  readonly #response: ServerResponse;
  readonly #heartbeat: NodeJS.Timeout;
  /** Changes of this moment, the latest of each key. */
  #pending = new Map<string, Told>();

  /**
   * Answer with a stream.
   * @param response nothing was written to it
   * @param heartbeat milliseconds between two
   * @param headers further headers
   */
  constructor(response: ServerResponse, heartbeat: number, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response;
    response.socket?.setNoDelay(true);
    response.socket?.setKeepAlive(true, heartbeat);
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#write(': watching\n\n');
    this.#heartbeat = setInterval(() => this.#write(':\n\n'), heartbeat);
    response.once('close', () => clearInterval(this.#heartbeat));
  }

  /**
   * Tell of a change, together with others of the same turn of the event loop.
   * @param watchers how many are told of it, where it happens now
   */
  change(change: Version, watchers?: number): void {
    if (this.#pending.size === 0) queueMicrotask(() => this.#flush());
    this.#pending.set(change.key, { change, watchers });
  }

  report(key: string, version: number, report: Report): void {
    this.#write(`event: report\ndata: ${JSON.stringify({ key, version, ...report })}\n\n`);
  }

  /** Say that the client's revision is not of this store. */
  reset(revision: number): void {
    this.#write(`id: ${revision}\nevent: reset\ndata: ${JSON.stringify({ revision })}\n\n`);
  }

  end(): void {
    clearInterval(this.#heartbeat);
    this.#response.end();
  }

  #flush(): void {
    const changes = [...this.#pending.values()].toSorted((a, b) => a.change.revision - b.change.revision);
    this.#pending = new Map();
    this.#write(changes.map(eventOf).join(''));
  }

  #write(text: string): void {
    if (this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > MOST_UNREAD) this.#response.destroy();
  }
}

function eventOf({ change, watchers }: Told): string {
  const { key, version, revision, digest, deleted } = change;
  const data = JSON.stringify({ key, version, revision, digest, ...(deleted && { deleted }), watchers });
  return `id: ${revision}\nevent: change\ndata: ${data}\n\n`;
}
