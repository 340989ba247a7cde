/** The last requests of the chosen edge, and why those failed that did. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import { follow } from '#kit/page/live.ts';
import type { RequestDocument } from '../src/view.ts';

export class EdgeRequests {
  readonly element: HTMLElement;
  readonly #title = h('h2', {}, 'Requests');
  readonly #rows = h('tbody', {});
  readonly #empty = h('p', { class: 'quiet' }, 'Choose an edge of the graph to see its last requests.');
  readonly #place = h('div', {});
  #chosen = '';

  constructor() {
    const head = h('tr', {}, ...['time', 'request', 'status', 'ms', 'flags', 'why'].map((each) => h('th', {}, each)));
    const table = h('table', {}, h('thead', {}, head), this.#rows);
    this.element = h(
      'section',
      { class: 'requests', 'aria-label': 'requests' },
      this.#title,
      this.#place,
      this.#empty,
      table,
    );
  }

  /** Follow the requests of an edge from now on. */
  show({ from, to }: { from: string; to: string }): void {
    const chosen = `${from} → ${to}`;
    if (chosen === this.#chosen) return;
    this.#chosen = chosen;
    setText(this.#title, `Requests ${chosen}`);
    setChildren(this.#rows, []);
    const query = new URLSearchParams({ from, to });
    const controller = new AbortController();
    this.#stop?.abort();
    this.#stop = controller;
    const light = follow<RequestDocument[]>(
      `/api/requests?${query}`,
      (requests) => {
        if (!controller.signal.aborted) this.#fill(requests);
      },
      controller.signal,
    );
    setChildren(this.#place, [light]);
  }

  #stop: AbortController | undefined;

  #fill(requests: readonly RequestDocument[]): void {
    this.#empty.hidden = requests.length > 0;
    setText(this.#empty, 'No request of late.');
    setChildren(
      this.#rows,
      requests.map(({ time, what, status, milliseconds, flags, cause }) =>
        h(
          'tr',
          { 'data-failed': cause !== '' },
          ...[time.slice(11, 23), what, status, milliseconds.toFixed(1), flags, cause].map((each) => h('td', {}, each)),
        ),
      ),
    );
  }
}
