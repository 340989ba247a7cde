/** Server-sent events to every page that is open. */
import type { ServerResponse } from 'node:http';

/** Pages at a time; each further one is refused. */
export const MOST_PAGES = 16;
/** Bytes that may wait for a page: one that does not read is disconnected then. */
const MOST_WAITING = 4 * 1024 * 1024;
/** A line now and then keeps the connection, in milliseconds. */
const KEEP = 15_000;

export class Events {
  readonly #pages = new Set<ServerResponse>();
  readonly #latest = new Map<string, string>();

  get full(): boolean {
    return this.#pages.size >= MOST_PAGES;
  }

  get watched(): boolean {
    return this.#pages.size > 0;
  }

  /** Add a page, which is told the latest of everything. */
  add(response: ServerResponse): void {
    open(response);
    this.#pages.add(response);
    const timer = setInterval(() => response.write(': still here\n\n'), KEEP);
    response.once('close', () => {
      clearInterval(timer);
      this.#pages.delete(response);
    });
    for (const text of this.#latest.values()) response.write(text);
  }

  /** Tell all pages, and those that come. What is the same as before is not told again. */
  tell(name: string, data: unknown): void {
    const text = event(name, data);
    if (this.#latest.get(name) === text) return;
    this.#latest.set(name, text);
    for (const page of this.#pages) {
      if (page.writableLength > MOST_WAITING) page.destroy();
      else page.write(text);
    }
  }

  close(): void {
    for (const page of this.#pages) page.destroy();
  }
}

/** Begin a stream of events. */
export function open(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('retry: 1000\n\n');
}

/** One event, as the HTML standard writes it (9.2.6). */
export const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
