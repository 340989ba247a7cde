/** Choosing the language of the page and of the lessons. */
import { h } from '#kit/page/dom.ts';
import { isLanguage, LANGUAGES } from '../languages/languages.ts';
import { language, words } from './words.ts';

/**
 * A choice.
 * @param choose is told the language; the page is loaded anew after it
 */
export function languageChoice(choose: (language: string) => Promise<void>): HTMLElement {
  const select = h('select', { 'aria-label': words.language, class: 'language' });
  for (const [code, name] of Object.entries(LANGUAGES))
    select.append(h('option', { value: code, lang: code, selected: code === language }, name));
  select.addEventListener('change', () => {
    if (isLanguage(select.value)) void choose(select.value);
  });
  return select;
}
