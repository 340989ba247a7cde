/** What a learner is told besides the page's own words: a sentence with values, said when their language is known. */
import { explain } from '#kit/text/explain.ts';
import type { Language } from './languages.ts';

/** One sentence in every language; `{name}` stands for a value. */
export type Sentence = Readonly<Record<Language, string>>;

/** A value of a sentence; one that is a reason itself is said in the same language. */
export type Value = string | number | Reason | undefined;

export class Reason {
  readonly #sentence: Sentence;
  readonly #values: Readonly<Record<string, Value>>;

  constructor(sentence: Sentence, values: Readonly<Record<string, Value>> = {}) {
    this.#sentence = sentence;
    this.#values = values;
  }

  in(language: Language): string {
    return this.#sentence[language].replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = this.#values[name];
      return value instanceof Reason ? value.in(language) : String(value);
    });
  }
}

/** What a program of others says: it has one language. */
export const quoted = (text: string): Reason => new Reason({ en: '{text}', de: '{text}', es: '{text}' }, { text });

/** An error that a learner is told in their own language; its message is the English one. */
export class ReasonedError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, options?: ErrorOptions) {
    super(reason.in('en'), options);
    this.reason = reason;
  }
}

/** What to tell a learner of anything that was thrown. */
export const reasonOf = (error: unknown): Reason =>
  error instanceof ReasonedError ? error.reason : quoted(explain(error));

/** The names in braces of a sentence. */
type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<Text extends string> = [Names<Text>] extends [never] ? [] : [Readonly<Record<Names<Text>, Value>>];

/**
 * A catalogue of sentences. The compiler sees to it that each is there in every language, and that each value of the
 * English one is given; languages.test.ts sees to the rest.
 * @returns a function that makes a reason of a sentence's key and its values
 */
export function reasons<const All extends Readonly<Record<string, Sentence>>>(sentences: All) {
  const why = <Key extends keyof All & string>(key: Key, ...[values]: Values<All[Key]['en']>): Reason =>
    new Reason(sentences[key]!, values);
  return Object.assign(why, { sentences });
}
