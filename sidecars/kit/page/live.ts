/** Keeping a page up to date while somebody looks at it. */
import { h, setAttributes, setText } from './dom.ts';

const EVERY = 2000;
const WORDS = { live: 'live', connecting: 'connecting', lost: 'the server does not answer; trying again' };
const PATIENCE = 10_000;

/** The server answered, but not with what was asked for. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Whether what is shown is fresh. */
export type Freshness = 'live' | 'paused' | 'stale';

/** A light that says whether what is shown is fresh, in words too. */
export interface Light {
  readonly element: HTMLElement;
  say(this: void, state: Freshness, words: string): void;
}

/** A light; children, such as a button, stand beside its words. */
export function light(...children: Node[]): Light {
  const text = h('span', { role: 'status' });
  const element = h('div', { class: 'live' }, text, ...children);
  return {
    element,
    say(state, words) {
      setAttributes(element, { 'data-state': state });
      setText(text, words);
    },
  };
}

/**
 * Show what a URL answers, again and again; a hidden page does not ask.
 * @param url answers JSON
 * @param show is given each answer
 * @param signal ends it for good
 * @returns a light, with a button to stop and go on
 */
export function follow<T>(url: string, show: (document: T) => void, signal?: AbortSignal): HTMLElement {
  const button = h('button', { type: 'button' }, 'Pause');
  const { element, say } = light(button);
  let paused = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;

  async function ask(): Promise<void> {
    clearTimeout(timer);
    if (paused || document.hidden || asking || signal?.aborted) return;
    asking = true;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
      const answer = (await response.json()) as T & { error?: string };
      if (!response.ok) throw new Refused(response.status, answer.error ?? response.statusText);
      show(answer);
      say('live', 'live');
    } catch (error) {
      say('stale', error instanceof Refused ? error.message : 'no answer; trying again');
      // It will not come back: an id is not used again soon.
      if (error instanceof Refused && error.status === 404) paused = true;
    } finally {
      asking = false;
    }
    timer = setTimeout(() => void ask(), EVERY);
  }
  button.addEventListener('click', () => {
    paused = !paused;
    setText(button, paused ? 'Go on' : 'Pause');
    say(paused ? 'paused' : 'live', paused ? 'paused' : 'live');
    void ask();
  });
  document.addEventListener('visibilitychange', () => void ask());
  void ask();
  return element;
}

/**
 * Show what a server sends by itself (server-sent events, HTML standard 9.2); the browser connects anew when the
 * connection is lost.
 * @param url of the stream
 * @param on what to do with each kind of event, whose data is JSON
 * @param words what the light says
 * @returns a light
 */
export function listen(url: string, on: Readonly<Record<string, (data: never) => void>>, words = WORDS): HTMLElement {
  const { element, say } = light();
  const source = new EventSource(url);
  source.addEventListener('open', () => say('live', words.live));
  source.addEventListener('error', () => say('stale', words.lost));
  for (const [name, show] of Object.entries(on))
    source.addEventListener(name, (event) => show(JSON.parse((event as MessageEvent<string>).data) as never));
  say('stale', words.connecting);
  return element;
}
