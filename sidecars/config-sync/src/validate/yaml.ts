/** YAML 1.2, one document or several. */
import { LineCounter, parseAllDocuments } from 'yaml';
import { Invalid } from './invalid.ts';

/**
 * Parse a YAML stream.
 * @returns the content of each of its documents
 * @throws {Invalid} with the place of the first mistake
 */
export function parseYaml(text: string): unknown[] {
  const lines = new LineCounter();
  const stream = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const documents = 'empty' in stream ? [] : stream;
  for (const { errors } of documents) {
    const [first] = errors;
    if (!first) continue;
    const { line, col } = lines.linePos(first.pos[0]);
    // Its message may quote the document; its code does not.
    throw new Invalid(`not YAML at line ${line}, column ${col}: ${first.code.toLowerCase().replaceAll('_', ' ')}`);
  }
  return documents.map((document): unknown => {
    try {
      return document.toJS();
    } catch {
      throw new Invalid('not usable as YAML: an alias has no anchor, or aliases grow without bound');
    }
  });
}
