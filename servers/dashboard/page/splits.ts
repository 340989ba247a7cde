/** Splits, each with a slider: a change is sent when the hand lets go. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import type { Split } from '../src/view.ts';

export class Splits {
  readonly element: HTMLElement;
  readonly #list = h('div', {});
  readonly #shown = new Map<string, SplitControl>();

  constructor() {
    this.element = h('section', { class: 'splits', 'aria-label': 'splits' }, h('h2', {}, 'Traffic splits'), this.#list);
  }

  update(splits: readonly Split[]): void {
    const controls = splits
      .filter(({ weights }) => Object.keys(weights).length === 2)
      .map((split) => {
        const key = `${split.service}/${split.route}`;
        const control = this.#shown.get(key) ?? new SplitControl(split);
        this.#shown.set(key, control);
        control.update(split);
        return control.element;
      });
    setChildren(this.#list, controls);
  }
}

/** Two subsets between which a slider stands. */
class SplitControl {
  readonly element: HTMLElement;
  readonly #slider: HTMLInputElement;
  readonly #words = h('output', {});
  readonly #told = h('p', { class: 'problem', role: 'status' });
  readonly #url: string;
  readonly #names: readonly [string, string];
  /** Held, or sent and not yet answered: what the server says meanwhile is old. */
  #busy = false;

  constructor({ service, route, weights }: Split) {
    this.#url = `/api/splits/${service}/${route}`;
    this.#names = Object.keys(weights) as unknown as readonly [string, string];
    const label = `${service}, route ${route}: share of ${this.#names[1]}`;
    this.#slider = h('input', { type: 'range', min: '0', max: '100', step: '1', 'aria-label': label });
    this.#slider.addEventListener('input', () => {
      this.#busy = true;
      this.#say(Number(this.#slider.value));
    });
    this.#slider.addEventListener('change', () => void this.#send());
    this.element = h(
      'div',
      { class: 'split', 'data-split': `${service}/${route}` },
      h('strong', {}, service),
      ` ${route === 'default' ? '' : route} `,
      this.#slider,
      this.#words,
      this.#told,
    );
  }

  update({ weights }: Split): void {
    if (this.#busy) return;
    const [first = 0, second = 0] = this.#names.map((name) => weights[name] ?? 0);
    const share = Math.round((100 * second) / (first + second || 1));
    this.#slider.value = String(share);
    this.#say(share);
  }

  #say(share: number): void {
    setText(this.#words, `${this.#names[0]} ${100 - share} · ${this.#names[1]} ${share}`);
  }

  async #send(): Promise<void> {
    const share = Number(this.#slider.value);
    this.#busy = true;
    try {
      const response = await fetch(this.#url, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ [this.#names[0]]: 100 - share, [this.#names[1]]: share }),
        signal: AbortSignal.timeout(10_000),
      });
      const answer = (await response.json()) as { error?: string };
      setText(this.#told, response.ok ? '' : `not changed: ${answer.error ?? response.statusText}`);
    } catch {
      setText(this.#told, 'not changed: no answer');
    } finally {
      this.#busy = false;
    }
  }
}
