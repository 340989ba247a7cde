/** The words of the page by language. */
import { de } from './de.ts';
import { en, type Words } from './en.ts';
import { es } from './es.ts';
import type { Language } from './languages.ts';

export const WORDS: Readonly<Record<Language, Words>> = { en, de, es };
