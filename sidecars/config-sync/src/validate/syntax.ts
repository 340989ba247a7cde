/** The syntaxes that a document may be asked to have. */
import { extname } from 'node:path';
import { Invalid } from './invalid.ts';

export const FORMATS = ['auto', 'text', 'json', 'yaml', 'ini', 'toml', 'properties'] as const;
export type Format = (typeof FORMATS)[number];
export type Syntax = Exclude<Format, 'auto'>;

const SUFFIXES: Readonly<Record<string, Syntax>> = {
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.ini': 'ini',
  '.toml': 'toml',
  '.properties': 'properties',
};

/** The syntax that a format means for a file: `auto` goes by its suffix, and is text when that says nothing. */
export const syntaxOf = (format: Format, path: string): Syntax =>
  format === 'auto' ? (SUFFIXES[extname(path).toLowerCase()] ?? 'text') : format;

/**
 * Check a document's syntax. Only the parser that is needed is loaded.
 * @returns its values, more than one when a YAML stream has more documents; undefined for plain text
 * @throws {Invalid} when it is not of the syntax
 */
export async function parseDocument(syntax: Syntax, content: Uint8Array): Promise<unknown[] | undefined> {
  if (syntax === 'text') return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new Invalid('not UTF-8');
  }
  switch (syntax) {
    case 'json':
      return [(await import('./json.ts')).parseJson(text)];
    case 'yaml':
      return (await import('./yaml.ts')).parseYaml(text);
    case 'toml':
      return [(await import('./toml.ts')).parseToml(text)];
    case 'ini':
      return [(await import('./ini.ts')).parseIni(text)];
    case 'properties':
      return [(await import('./properties.ts')).parseProperties(text)];
  }
}
