/**
 * A document that must not be published. The message goes to logs and reports, so it says where and
 * what, and never quotes the document: a configuration may hold secrets.
 */
export class Invalid extends Error {
  override readonly name = 'Invalid';
}

/** `line 3, column 7` of an offset in a text, both from 1. */
export function place(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `line ${line}, column ${offset - before.lastIndexOf('\n')}`;
}
