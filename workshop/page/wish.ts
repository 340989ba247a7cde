/** What a button asks of the server, and what it answers when it refuses. */
import { h, setText } from '#kit/page/dom.ts';
import { words } from './words.ts';

const line = h('p', { class: 'problem', role: 'alert' });

/** Where refusals are shown. */
export const problem = (): HTMLElement => line;

/** Ask; a refusal is shown. */
export async function wish(path: string, asked: object): Promise<void> {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(asked) });
    const { error = '' } = response.ok ? {} : ((await response.json()) as { error?: string });
    setText(line, error);
  } catch {
    setText(line, words.noAnswer);
  }
}

/** A button that asks for something. */
export function wishButton(label: string, path: string, asked: () => object, title = ''): HTMLButtonElement {
  const button = h('button', { type: 'button', ...(title !== '' && { title }) }, label);
  button.addEventListener('click', () => void wish(path, asked()));
  return button;
}
