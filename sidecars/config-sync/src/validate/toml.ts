/** TOML 1.0. */
import { parse, TomlError } from 'smol-toml';
import { Invalid } from '../documents/invalid.ts';

/**
 * Parse a TOML document.
 * @throws {Invalid} with the place of the first mistake
 */
export function parseToml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its first line says what is wrong, in plain words; an excerpt of the document follows.
    const [, what = ''] = /^Invalid TOML document: ([a-z][a-z ,.:-]+?)\.?$/m.exec(error.message) ?? [];
    throw new Invalid(`not TOML at line ${error.line}, column ${error.column}${what && `: ${what}`}`);
  }
}
