/**
 * What an operator wants done with lines, by regular expression.
 *
 * Anybody who can make the application log something writes lines, so no pattern may take
 * exponential time on them. V8 has a second engine that takes linear time and knows no backreferences
 * and no lookahead; a pattern that it refuses is refused at start. Patterns then run on the usual, faster
 * engine, which hands a line over to the linear one as soon as it tracks back too often.
 */
import { ConfigurationError } from '#kit/contract/parameters.ts';

const { setFlagsFromString } = process.getBuiltinModule('node:v8');

/**
 * Compile an operator's pattern.
 * @param parameter where it was given, for the error
 * @param flags of the regular expression
 * @throws {ConfigurationError} when it is none, or one that cannot be matched in linear time
 */
export function compilePattern(parameter: string, source: string, flags = ''): RegExp {
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  try {
    new RegExp(source, `${flags}l`);
    return new RegExp(source, flags);
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: /, '');
    throw new ConfigurationError([
      {
        parameter,
        reason: 'malformed',
        message: `${parameter}: ${why}; accepted is a regular expression without backreferences, lookahead and counts above some hundreds`,
      },
    ]);
  }
}

export interface RulesOptions {
  readonly LINE_DROP: string | undefined;
  readonly LINE_REDACT: string | undefined;
  readonly LINE_REDACT_WITH: string;
}

export class Rules {
  readonly #drop: RegExp | undefined;
  readonly #redact: RegExp | undefined;
  readonly #replacement: string;

  /** @throws {ConfigurationError} when a pattern is not accepted */
  constructor({ LINE_DROP, LINE_REDACT, LINE_REDACT_WITH }: RulesOptions) {
    this.#drop = LINE_DROP === undefined ? undefined : compilePattern('LINE_DROP', LINE_DROP);
    this.#redact = LINE_REDACT === undefined ? undefined : compilePattern('LINE_REDACT', LINE_REDACT, 'g');
    this.#replacement = LINE_REDACT_WITH;
  }

  /** Whether values need looking at. */
  get redacts(): boolean {
    return this.#redact !== undefined;
  }

  /** Whether an event is not to be shipped. */
  drops(text: string): boolean {
    return this.#drop?.test(text) ?? false;
  }

  /** A text without what must not leave the pod. */
  redact(text: string): string {
    return this.#redact === undefined ? text : text.replace(this.#redact, this.#replacement);
  }
}
