/** What this page says: in the language that it was served in. */
import { isLanguage } from '../languages/languages.ts';
import type { Words } from '../languages/en.ts';
import { WORDS } from '../languages/words.ts';

const { lang } = document.documentElement;

export const language = isLanguage(lang) ? lang : 'en';
export const words: Words = WORDS[language];
