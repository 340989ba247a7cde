import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Invalid } from '../documents/invalid.ts';
import { loadParser } from './syntax.ts';
import { compileSchema } from './schema.ts';

const SCHEMA = JSON.stringify({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['server'],
  additionalProperties: false,
  properties: {
    server: {
      type: 'object',
      properties: { port: { type: 'integer', maximum: 65_535 }, token: { type: 'string', minLength: 8 } },
    },
  },
});

const verdict = (schema: string, value: unknown): string | undefined => {
  try {
    compileSchema(schema)(value);
    return undefined;
  } catch (error) {
    assert.instance(error, Invalid);
    return (error as Invalid).message;
  }
};

test('what satisfies passes, what does not is refused with the place, and no value is told', () => {
  assert.is(verdict(SCHEMA, { server: { port: 80 } }), undefined);
  assert.is(
    verdict(SCHEMA, { server: { port: 'hunter2' } }),
    'the schema refuses /server/port: Instance type "string" is invalid. Expected "integer".',
  );
  assert.is(verdict(SCHEMA, { server: { port: 70_000 } }), 'the schema refuses /server/port: maximum');
  assert.is(verdict(SCHEMA, { server: { token: 'short' } }), 'the schema refuses /server/token: minLength');
  assert.match(verdict(SCHEMA, {}) ?? '', /^the schema refuses the top: .*"server"/);
  assert.match(verdict(SCHEMA, { server: {}, other: 1 }) ?? '', /other/);
});

test('it holds for any syntax that has structure', async () => {
  const [ini] = (await loadParser('ini'))(Buffer.from('[server]\ntoken=short\n'))!;
  assert.match(verdict(SCHEMA, ini) ?? '', /minLength/);
  const [toml] = (await loadParser('toml'))(Buffer.from('[server]\nport = 80\n'))!;
  assert.is(verdict(SCHEMA, toml), undefined);
  const [date] = (await loadParser('toml'))(Buffer.from('server = 2020-01-01\n'))!;
  assert.match(verdict(SCHEMA, date) ?? '', /"string" is invalid. Expected "object"/);
});

test('drafts differ', () => {
  const exclusive = (draft: string): string =>
    JSON.stringify({
      $schema: draft,
      type: 'number',
      minimum: 1,
      ...(/04/.test(draft) ? { exclusiveMinimum: true } : { exclusiveMinimum: 1 }),
    });
  for (const draft of [
    'http://json-schema.org/draft-04/schema#',
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2019-09/schema',
  ]) {
    assert.ok(verdict(exclusive(draft), 1), draft);
    assert.is(verdict(exclusive(draft), 2), undefined, draft);
  }
});

test('a schema that is none is an error at once', () => {
  for (const text of ['', '[]', 'null', '{"$ref":"#/nowhere"}'])
    assert.throws(() => compileSchema(text), undefined, text);
  assert.is(verdict('true', 1), undefined);
  assert.ok(verdict('false', 1));
});

test.run();
