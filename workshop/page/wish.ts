/** What a button asks for, and why it is refused. */
import { h, setText } from '#kit/page/dom.ts';
import { source } from './here.ts';

const line = h('p', { class: 'problem', role: 'alert' });

/** Where refusals are shown. */
export const problem = (): HTMLElement => line;

/** Ask; a refusal is shown. */
export const wish = async (path: string, asked: Readonly<Record<string, unknown>>): Promise<void> =>
  setText(line, await source.wish(path, asked));

/** A button that asks for something. */
export function wishButton(
  label: string,
  path: string,
  asked: () => Readonly<Record<string, unknown>>,
  title = '',
): HTMLButtonElement {
  const button = h('button', { type: 'button', ...(title !== '' && { title }) }, label);
  button.addEventListener('click', () => void wish(path, asked()));
  return button;
}
