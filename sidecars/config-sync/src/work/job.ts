/**
 * What is done with a document's content: it is examined, or put into a template. Both are work on
 * untrusted input, which is done under limits (`perform`), here or in a child process.
 */
import { Invalid } from '../documents/invalid.ts';
import type { Syntax } from '../validate/syntax.ts';

export interface Examination {
  readonly kind: 'examine';
  readonly content: Uint8Array;
  readonly syntax: Syntax;
  /** The text of a JSON Schema. */
  readonly schema: string | undefined;
}

export interface Rendering {
  readonly kind: 'render';
  /** The text of the template. */
  readonly template: string;
  readonly documents: readonly TemplateDocument[];
}

/** A document as a template sees it. */
export interface TemplateDocument {
  /** What the template calls it. */
  readonly name: string;
  readonly syntax: Syntax;
  readonly content: Uint8Array;
}

export type Job = Examination | Rendering;

/** The bytes that a job is about. */
export const sizeOf = (job: Job): number =>
  job.kind === 'examine'
    ? job.content.byteLength
    : job.documents.reduce((sum, { content }) => sum + content.byteLength, 0);

/**
 * Load what a job needs.
 * @returns does it; synchronous, so that it can be cut off. Returns what was rendered; throws {Invalid},
 * and nothing else, when the document is not to be used
 */
export async function ready(job: Job): Promise<() => string | undefined> {
  const work = job.kind === 'examine' ? await examine(job) : await render(job);
  return () => {
    try {
      return work();
    } catch (error) {
      if (error instanceof Invalid) throw error;
      // Its message may quote the document.
      throw new Invalid(`it cannot be read: ${error instanceof Error ? error.name : 'error'} in the parser`);
    }
  };
}

async function examine({ content, syntax, schema }: Examination): Promise<() => undefined> {
  const { loadParser } = await import('../validate/syntax.ts');
  const parse = await loadParser(syntax);
  const check = schema === undefined ? undefined : (await import('../validate/schema.ts')).schemaOf(schema);
  return () => {
    const values = parse(content);
    if (check) for (const value of values ?? []) check(value);
  };
}

async function render(job: Rendering): Promise<() => string> {
  const { loadTemplate } = await import('../templates/template.ts');
  return await loadTemplate(job);
}
