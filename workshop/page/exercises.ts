/** The list of exercises. */
import { h, setAttributes, setChildren } from '#kit/page/dom.ts';
import type { ExerciseDocument } from '../server/document.ts';
import { wish } from './wish.ts';
import { words } from './words.ts';

/**
 * A list; each entry opens its exercise.
 * @param opened called when one is
 */
export function exercises(opened: () => void): {
  readonly element: HTMLElement;
  update(all: readonly ExerciseDocument[]): void;
  choose(name: string | undefined): void;
} {
  const element = h('ol', { class: 'exercises' });
  const buttons = new Map<string, HTMLButtonElement>();
  return {
    element,
    update(all) {
      const entries = all.map(({ name, number, title, done, begun, minutes }) => {
        const state = done ? 'done' : begun ? 'begun' : '';
        const known = buttons.get(name);
        const button = known ?? h('button', { type: 'button' });
        if (!known)
          button.addEventListener('click', () => {
            opened();
            void wish('/exercise', { name, action: 'open' });
          });
        buttons.set(name, button);
        setAttributes(button, {
          'data-state': state,
          title: `${words.minutes(minutes)}${state === '' ? '' : `, ${words[state]}`}`,
        });
        const label = `${done ? '✓ ' : ''}${Number(number)} · ${title.replaceAll('`', '')}`;
        if (button.textContent !== label) button.textContent = label;
        return button.parentElement ?? h('li', {}, button);
      });
      setChildren(element, entries);
    },
    choose(name) {
      for (const [each, button] of buttons) setAttributes(button, { 'aria-current': each === name && 'true' });
    },
  };
}
