/**
 * OTLP logs as JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Fields that are not known are
 * passed over.
 */
import { isRawJSON, parseExactly } from '../lines/json-line.ts';
import { hasMoreValues } from '../lines/json-values.ts';
import { TooLargeError } from '../senders/decompress.ts';
import { MalformedError } from '../senders/malformed.ts';
import {
  Budget,
  Rejected,
  TooMuchError,
  type Attributes,
  type Origin,
  type Received,
  type Value,
} from './log-record.ts';
import { doubleOf, wholeOf } from './protobuf.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The records of a request, read as they are asked for.
 * @param mostValues of all of it: each takes many times the bytes that it is written in
 * @throws {TooLargeError} when there are more
 * @throws {MalformedError} when it is none; while records are asked for, too
 */
export function readJson(request: Buffer, mostValues: number): Iterable<Received> {
  if (hasMoreValues(request, mostValues)) throw new TooLargeError(`more than ${mostValues} values of JSON`);
  const fields = parseExactly(request.toString());
  if (!isObject(fields)) throw new MalformedError('no JSON object');
  return { [Symbol.iterator]: () => recordsOf(fields) };
}

function* recordsOf(request: Fields): Generator<Received> {
  for (const resourceLogs of objectsIn(request, 'resourceLogs')) {
    const resource = resourceOf(resourceLogs['resource']);
    const size = JSON.stringify(resource).length;
    for (const scopeLogs of objectsIn(resourceLogs, 'scopeLogs')) {
      const scope = isObject(scopeLogs['scope']) ? textIn(scopeLogs['scope'], 'name') : '';
      const origin = { resource, scope, size: size + scope.length };
      for (const record of objectsIn(scopeLogs, 'logRecords')) yield readRecord(record, origin);
    }
  }
}

function resourceOf(resource: unknown): Attributes {
  try {
    return isObject(resource) ? attributesIn(resource, 'attributes', new Budget(), 0) : [];
  } catch (error) {
    throw error instanceof TooMuchError ? new MalformedError(`a resource with ${error.message}`) : error;
  }
}

function readRecord(record: Fields, origin: Origin): Received {
  const budget = new Budget();
  try {
    return [
      {
        time: nanosecondsIn(record, 'timeUnixNano'),
        observedTime: nanosecondsIn(record, 'observedTimeUnixNano'),
        severityNumber: typeof record['severityNumber'] === 'number' ? record['severityNumber'] : 0,
        severityText: textIn(record, 'severityText'),
        body: isObject(record['body']) ? readValue(record['body'], budget, 0) : null,
        attributes: attributesIn(record, 'attributes', budget, 0),
        traceId: idIn(record, 'traceId'),
        spanId: idIn(record, 'spanId'),
        eventName: textIn(record, 'eventName'),
      },
      origin,
    ];
  } catch (error) {
    if (error instanceof TooMuchError) return new Rejected(error.message);
    throw error;
  }
}

function attributesIn(fields: Fields, name: string, budget: Budget, depth: number): [string, Value][] {
  return objectsIn(fields, name).map((pair) => {
    budget.spend(depth);
    return [textIn(pair, 'key'), isObject(pair['value']) ? readValue(pair['value'], budget, depth + 1) : null];
  });
}

function readValue(value: Fields, budget: Budget, depth: number): Value {
  budget.spend(depth);
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = value;
  if (typeof stringValue === 'string') return stringValue;
  if (typeof boolValue === 'boolean') return boolValue;
  if (intValue !== undefined) return wholeOf(BigInt.asIntN(64, integerOf(intValue)));
  // Those that are no numbers are texts: NaN, Infinity, -Infinity.
  if (doubleValue !== undefined)
    return typeof doubleValue === 'number' ? doubleOf(doubleValue) : textIn(value, 'doubleValue');
  if (typeof bytesValue === 'string') return bytesValue;
  if (isObject(arrayValue)) return objectsIn(arrayValue, 'values').map((each) => readValue(each, budget, depth + 1));
  if (isObject(kvlistValue)) return Object.fromEntries(attributesIn(kvlistValue, 'values', budget, depth + 1));
  return null;
}

function isObject(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !isRawJSON(value);
}

/** The objects of a list; none where there is no list. @throws {MalformedError} where it is something else */
function objectsIn(fields: Fields, name: string): readonly Fields[] {
  const list = fields[name] ?? [];
  if (!Array.isArray(list) || !list.every(isObject)) throw new MalformedError(`${name} is no list of objects`);
  return list;
}

/** @throws {MalformedError} where it is no text */
function textIn(fields: Fields, name: string): string {
  const text = fields[name] ?? '';
  if (typeof text !== 'string') throw new MalformedError(`${name} is no text`);
  return text;
}

/** In hexadecimal digits; an id of zeros is none. @throws {MalformedError} where it is something else */
function idIn(fields: Fields, name: string): string {
  const id = textIn(fields, name);
  if (!/^[0-9a-f]{0,64}$/i.test(id)) throw new MalformedError(`${name} is no id in hexadecimal digits`);
  return /^0*$/.test(id) ? '' : id.toLowerCase();
}

function nanosecondsIn(fields: Fields, name: string): bigint {
  return BigInt.asUintN(64, integerOf(fields[name] ?? 0));
}

/** Whole numbers of 64 bits are texts, or numbers. @throws {MalformedError} where it is neither */
function integerOf(value: unknown): bigint {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === undefined || !/^-?\d{1,20}$/.test(text)) throw new MalformedError(`no whole number of 64 bits`);
  return BigInt(text);
}
