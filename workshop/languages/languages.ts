/** Languages that the page and the lessons are written in. */

export const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español' } as const;

export type Language = keyof typeof LANGUAGES;

export const isLanguage = (word: unknown): word is Language =>
  typeof word === 'string' && Object.hasOwn(LANGUAGES, word);
