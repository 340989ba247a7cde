/** JSON Schema: documents of any syntax that has structure. */
import { Validator, type Schema } from '@cfworker/json-schema';
import { Invalid } from '../documents/invalid.ts';
import { plain } from './plain.ts';

/** Keywords whose messages speak of the schema and of names, not of values. */
const PLAIN = new Set([
  'type',
  'required',
  'enum',
  'const',
  'additionalProperties',
  'format',
  'pattern',
  'dependentRequired',
]);

const DRAFTS: readonly (readonly [RegExp, '4' | '7' | '2019-09' | '2020-12'])[] = [
  [/draft-04/, '4'],
  [/draft-0[67]/, '7'],
  [/2019-09/, '2019-09'],
];

/**
 * Make a check of a schema.
 * @param text the schema; its `$schema` says which draft it is of, 2020-12 when there is none
 * @returns throws {Invalid} when a value does not satisfy the schema
 * @throws {Error} when the schema cannot be used
 */
export function compileSchema(text: string): (value: unknown) => void {
  const schema = JSON.parse(text) as Schema | boolean;
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema)))
    throw new Error('a schema is an object or a boolean');
  const declared = typeof schema === 'object' ? (schema.$schema ?? '') : '';
  const draft = DRAFTS.find(([pattern]) => pattern.test(declared))?.[1] ?? '2020-12';
  const validator = new Validator(schema as Schema, draft);
  // A reference to nowhere is only found when it is followed.
  validator.validate({});
  return (value) => {
    const { valid, errors } = validator.validate(plain(value));
    if (valid) return;
    // From the outside in: the last one is the cause.
    const { instanceLocation, keyword, error } = errors.at(-1)!;
    const where = instanceLocation.replace(/^#/, '') || 'the top';
    throw new Invalid(`the schema refuses ${where}: ${PLAIN.has(keyword) ? error : keyword}`);
  };
}

const compiled = new Map<string, (value: unknown) => void>();

/** As compileSchema; the same text is compiled once. There are as many as there are files in the settings. */
export function schemaOf(text: string): (value: unknown) => void {
  let check = compiled.get(text);
  if (!check) compiled.set(text, (check = compileSchema(text)));
  return check;
}
