/**
 * openapi.yaml as the program uses it: each operation's route, scope and schemas. What the document
 * says of a request is what is enforced, so that it cannot drift.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { SCOPES, type Scope } from '../access/tokens.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** As fastify writes it: `/v1/documents/:key`. */
  readonly url: string;
  /** What the caller's token must have; undefined where no token is needed. */
  readonly scope: Scope | undefined;
  /** JSON Schemas by part of the request, as fastify takes them. */
  readonly schema: { params?: Json; querystring?: Json; body?: Json };
}

const METHODS = ['get', 'put', 'post', 'delete'] as const;

/** Read an OpenAPI document. */
export const readDocument = (file: URL): Json => parse(readFileSync(file, 'utf8')) as Json;

/**
 * The operations of an OpenAPI document.
 * @throws when an operation has neither a scope nor `security: []`
 */
export function operationsOf(document: Json): Operation[] {
  const paths = document['paths'] as Record<string, Json>;
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => {
      const operation = item[method] as Json;
      const parameters = [...list(item['parameters']), ...list(operation['parameters'])].map((each) =>
        resolved(document, each),
      );
      const body = bodyOf(document, operation);
      return {
        id: operation['operationId'] as string,
        method: method.toUpperCase() as Operation['method'],
        url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
        scope: scopeOf(operation),
        schema: {
          params: objectOf(parameters, 'path'),
          querystring: objectOf(parameters, 'query'),
          ...(body && { body }),
        },
      };
    }),
  );
}

function scopeOf(operation: Json): Scope | undefined {
  const scope = operation['x-scope'] as Scope | undefined;
  const open = Array.isArray(operation['security']) && operation['security'].length === 0;
  if (open ? scope !== undefined : !SCOPES.includes(scope!))
    throw new Error(`${String(operation['operationId'])}: an operation has a scope, or security: []`);
  return scope;
}

/** The schema of a JSON body; undefined when there is none, or bytes. */
function bodyOf(document: Json, operation: Json): Json | undefined {
  const content = (operation['requestBody'] as Json | undefined)?.['content'] as Record<string, Json> | undefined;
  return content?.['application/json'] && resolved(document, content['application/json']['schema']);
}

/** One object's schema of the parameters of a place: `path` or `query`. */
function objectOf(parameters: readonly Json[], place: string): Json {
  const here = parameters.filter((parameter) => parameter['in'] === place);
  return {
    type: 'object',
    additionalProperties: false,
    required: here.filter((parameter) => parameter['required'] === true).map((parameter) => parameter['name']),
    properties: Object.fromEntries(here.map((parameter) => [parameter['name'], parameter['schema']])),
  };
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** A value with every `$ref` replaced by what it points at in the document. */
function resolved(document: Json, value: unknown): Json {
  return replaceRefs(value) as Json;

  function replaceRefs(part: unknown): unknown {
    if (Array.isArray(part)) return part.map(replaceRefs);
    if (typeof part !== 'object' || part === null) return part;
    const ref = (part as Json)['$ref'];
    if (typeof ref === 'string') return replaceRefs(pointed(document, ref));
    return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, replaceRefs(each)]));
  }
}

function pointed(document: Json, ref: string): unknown {
  return ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((part, name) => (part as Json)[name], document);
}
