/** Splits, each with a slider or, of more than two subsets, a number each. A change needs the operator's token. */
import { h, setChildren, setText } from '#kit/page/dom.ts';
import type { Split } from '../src/view.ts';

export class Splits {
  readonly element: HTMLElement;
  readonly #list = h('div', {});
  readonly #shown = new Map<string, SplitControl>();
  /** Of the tab: it is not kept. */
  readonly #token = h('input', { type: 'password', autocomplete: 'off', 'aria-label': 'operator token' });

  constructor() {
    const asked = h('label', { class: 'token' }, 'Operator token ', this.#token);
    const title = h('h2', {}, 'Traffic splits');
    this.element = h('section', { class: 'splits', 'aria-label': 'splits' }, title, asked, this.#list);
  }

  update(splits: readonly Split[]): void {
    const controls = splits
      .filter(({ weights }) => Object.keys(weights).length > 1)
      .map((split) => {
        const names = Object.keys(split.weights);
        const key = `${split.service}/${split.route} ${names.join(' ')}`;
        const control = this.#shown.get(key) ?? new SplitControl(split, () => this.#token.value);
        this.#shown.set(key, control);
        control.update(split);
        return control.element;
      });
    setChildren(this.#list, controls);
  }
}

/** Two subsets between which a slider stands, or a number for each of more. */
class SplitControl {
  readonly element: HTMLElement;
  /** One slider, or one for each subset. */
  readonly #inputs: readonly HTMLInputElement[];
  readonly #words = h('output', {});
  readonly #told = h('p', { class: 'problem', role: 'status' });
  readonly #url: string;
  readonly #names: readonly string[];
  readonly #token: () => string;
  /** Held, or sent and not yet answered: what the server says meanwhile is old. */
  #busy = false;

  constructor({ service, route, weights }: Split, token: () => string) {
    this.#url = `/api/splits/${service}/${route}`;
    this.#names = Object.keys(weights);
    this.#token = token;
    const two = this.#names.length === 2;
    const label = (name: string): string => `${service}, route ${route}: ${two ? 'share' : 'weight'} of ${name}`;
    const inputs = this.#names.slice(two ? 1 : 0).map((name) => {
      const range = two ? ({ type: 'range', max: '100' } as const) : ({ type: 'number', max: '1000000' } as const);
      const input = h('input', { ...range, min: '0', step: '1', 'aria-label': label(name) });
      input.addEventListener('input', () => {
        this.#busy = true;
        this.#say();
      });
      if (two) input.addEventListener('change', () => void this.#send());
      return input;
    });
    this.#inputs = inputs;
    const send = h('button', { type: 'button' }, 'Move');
    send.addEventListener('click', () => void this.#send());
    this.element = h(
      'div',
      { class: 'split', 'data-split': `${service}/${route}` },
      h('strong', {}, service),
      ` ${route === 'default' ? '' : route} `,
      ...(two ? inputs : inputs.map((input, index) => h('label', {}, `${this.#names[index]!} `, input))),
      ...(two ? [] : [send]),
      this.#words,
      this.#told,
    );
  }

  update({ weights }: Split): void {
    if (this.#busy) return;
    const now = this.#names.map((name) => weights[name] ?? 0);
    const [first = 0, second = 0] = now;
    const values = now.length === 2 ? [Math.round((100 * second) / (first + second || 1))] : now;
    for (const [index, input] of this.#inputs.entries()) input.value = String(values[index] ?? 0);
    this.#say();
  }

  /** As the inputs stand. */
  get #weights(): readonly number[] {
    const values = this.#inputs.map(({ value }) => Math.max(0, Math.trunc(Number(value))));
    return this.#names.length === 2 ? [100 - values[0]!, values[0]!] : values;
  }

  #say(): void {
    const weights = this.#weights;
    setText(this.#words, this.#names.map((name, index) => `${name} ${weights[index]!}`).join(' · '));
  }

  async #send(): Promise<void> {
    const weights = this.#weights;
    const token = this.#token().trim();
    if (token === '') {
      setText(this.#told, "not changed: type the operator's token first");
      this.#busy = false;
      return;
    }
    this.#busy = true;
    try {
      const response = await fetch(this.#url, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(Object.fromEntries(this.#names.map((name, index) => [name, weights[index]!]))),
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
