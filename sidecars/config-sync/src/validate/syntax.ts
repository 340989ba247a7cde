/** The syntaxes that a document may be asked to have. */
import { extname } from 'node:path';
import { structureProblem } from '#kit/text/structure.ts';
import { Invalid } from '../documents/invalid.ts';

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
 * Checks a document's syntax.
 * @returns its values, more than one when a YAML stream has more documents; undefined for plain text
 * @throws {Invalid} when it is not of the syntax
 */
export type Parser = (content: Uint8Array) => unknown[] | undefined;

/** The parser of a syntax; only what is needed is loaded. */
export async function loadParser(syntax: Syntax): Promise<Parser> {
  if (syntax === 'text') return () => undefined;
  const parse = await parserOf(syntax);
  return (content) => {
    const values = parse(textOf(content));
    for (const value of values) {
      const problem = structureProblem(value);
      if (problem !== undefined) throw new Invalid(problem);
    }
    return values;
  };
}

async function parserOf(syntax: Exclude<Syntax, 'text'>): Promise<(text: string) => unknown[]> {
  switch (syntax) {
    case 'json': {
      const { parseJson } = await import('./json.ts');
      return (text) => [parseJson(text)];
    }
    case 'yaml':
      return (await import('./yaml.ts')).parseYaml;
    case 'toml': {
      const { parseToml } = await import('./toml.ts');
      return (text) => [parseToml(text)];
    }
    case 'ini': {
      const { parseIni } = await import('./ini.ts');
      return (text) => [parseIni(text)];
    }
    case 'properties': {
      const { parseProperties } = await import('./properties.ts');
      return (text) => [parseProperties(text)];
    }
  }
}

/**
 * A document as text.
 * @throws {Invalid} when it is not UTF-8
 */
export function textOf(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new Invalid('not UTF-8');
  }
}
