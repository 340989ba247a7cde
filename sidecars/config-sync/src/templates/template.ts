/**
 * Templates in Liquid, which has loops, conditions and filters and no way out of itself: what is
 * rendered comes from the documents alone.
 * Source: https://liquidjs.com
 */
import { Liquid, LiquidError, type Template } from 'liquidjs';
import type { Rendering, TemplateDocument } from '../work/job.ts';
import { Invalid } from '../documents/invalid.ts';
import { plain } from '../validate/plain.ts';
import { loadParser, textOf } from '../validate/syntax.ts';

const engine = new Liquid({
  // A value that is not there is a mistake, not an empty text.
  strictVariables: true,
  strictFilters: true,
  // … but where the template asks whether it is there, or says what stands for it.
  lenientIf: true,
  ownPropertyOnly: true,
  // No files but the template itself.
  templates: {},
  memoryLimit: 64 * 1024 * 1024,
});

/**
 * Check a template.
 * @throws {Error} with the place of the first mistake
 */
export function checkTemplate(text: string): void {
  parsed(text);
}

/**
 * Load what a rendering needs.
 * @returns renders; synchronous. Throws {Invalid} when a document is not of its syntax or lacks a value
 */
export async function loadTemplate({ template, documents }: Rendering): Promise<() => string> {
  const readers = await Promise.all(documents.map(readerOf));
  return () => {
    const scope = Object.fromEntries(readers.map((read) => read()));
    try {
      return engine.renderSync(parsed(template), scope) as string;
    } catch (error) {
      throw refusalOf(error);
    }
  };
}

async function readerOf({ name, syntax, content }: TemplateDocument): Promise<() => [string, unknown]> {
  const parse = await loadParser(syntax);
  return () => {
    try {
      const values = parse(content);
      if (values === undefined) return [name, textOf(content)];
      if (values.length !== 1) throw new Invalid(`it holds ${values.length} documents; a template takes one`);
      return [name, plain(values[0])];
    } catch (error) {
      throw error instanceof Invalid ? new Invalid(`${name}: ${error.message}`) : error;
    }
  };
}

/** Templates are few, and read at start. */
const templates = new Map<string, Template[]>();

function parsed(text: string): Template[] {
  let template = templates.get(text);
  if (!template) templates.set(text, (template = engine.parse(text)));
  return template;
}

/** Why it could not be rendered: what is missing is named, and no value told. */
function refusalOf(error: unknown): unknown {
  if (!LiquidError.is(error)) return error;
  const { line, col } = placeOf(error);
  const missing = (error.originalError as { variableName?: string } | undefined)?.variableName;
  const what = missing === undefined ? 'it cannot be rendered with these documents' : `there is no value ${missing}`;
  return new Invalid(`the template at line ${line}, column ${col}: ${what}`);
}

function placeOf(error: LiquidError): { line: number; col: number } {
  const [, line, col] = /line:(\d+), col:(\d+)$/.exec(error.message) ?? [];
  return { line: Number(line ?? 1), col: Number(col ?? 1) };
}
