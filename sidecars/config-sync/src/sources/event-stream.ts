/**
 * Server-sent events, as the HTML standard has them parsed.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */

export interface ServerEvent {
  /** `message` when the stream does not say. */
  readonly event: string;
  readonly data: string;
  /** The latest id of the stream so far. */
  readonly id: string;
}

/** A line or an event is longer than what is taken. */
export class EventTooLong extends Error {}

export class EventStreamParser {
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #max: number;
  readonly #decoder = new TextDecoder('utf-8');
  #rest = '';
  #data: string[] = [];
  #size = 0;
  #event = '';
  #id = '';
  /** The last chunk ended in a carriage return, of which a line feed may be the other half. */
  #afterReturn = false;

  /**
   * @param onEvent called for each event that has data
   * @param max most characters of an event that is not complete
   */
  constructor(onEvent: (event: ServerEvent) => void, max = 64 * 1024) {
    this.#onEvent = onEvent;
    this.#max = max;
  }

  /**
   * Take the next bytes, cut anywhere.
   * @throws {EventTooLong}
   */
  push(chunk: Uint8Array): void {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return;
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1);
    this.#afterReturn = text.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line);
    if (this.#rest.length + this.#size > this.#max)
      throw new EventTooLong(`an event has more than ${this.#max} characters`);
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    // Comments and what is unknown, `retry` included, say nothing here.
  }

  #dispatch(): void {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const complete = this.#data.length > 0;
    this.#data = [];
    this.#size = 0;
    this.#event = '';
    if (complete) this.#onEvent(event);
  }
}
