/** The slides: one Markdown file for each language, slides between two lines of three dashes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Language } from '../languages/languages.ts';

/** Slides and what to say on each, as Markdown. */
export const slidesIn = (language: Language): string =>
  readFileSync(join(import.meta.dirname, '..', language === 'en' ? 'slides.md' : `slides.${language}.md`), 'utf8');
