/** The text that INFO answers, as its fields. */
import { parseNumber } from '../go-number.ts';

/** Lines that are looked at; a server has some 300, and two more for each command that it was ever asked. */
const MAX_LINES = 20_000;

/** A line of INFO, with the section that it stands in. */
export interface InfoField {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/** Fields of INFO, in order. */
export function readInfo(text: string): InfoField[] {
  const fields: InfoField[] = [];
  let section = '';
  for (const raw of text.split('\n', MAX_LINES)) {
    const line = raw.trim();
    const colon = line.indexOf(':');
    if (line.startsWith('# ')) section = line.slice(2);
    else if (colon !== -1) fields.push({ section, name: line.slice(0, colon), value: line.slice(colon + 1) });
  }
  return fields;
}

/** A field by its name, wherever it stands. */
export function fieldOf(fields: readonly InfoField[], name: string): string | undefined {
  return fields.findLast((field) => field.name === name)?.value;
}

/** The number behind the `=` of `keys=3`. */
export function part(text: string): number | undefined {
  const halves = text.split('=', 3);
  return halves.length === 2 ? parseNumber(halves[1]!) : undefined;
}
