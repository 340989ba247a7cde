/** The words of the terminal by language. */
import type { Language } from '../languages.ts';
import { de } from './de.ts';
import { en, type TerminalWords } from './en.ts';
import { es } from './es.ts';

export const TERMINAL_WORDS: Readonly<Record<Language, TerminalWords>> = { en, de, es };
