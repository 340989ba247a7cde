/**
 * OTLP logs as protocol buffers. Field numbers are those of opentelemetry/proto/{logs,common,resource}/v1 and
 * collector/logs/v1; the wire's format is https://protobuf.dev/programming-guides/encoding/. What a length claims is
 * never believed, and records are decoded one at a time.
 */
import { MalformedError } from '../senders/malformed.ts';
import {
  Budget,
  Rejected,
  TooMuchError,
  type Attributes,
  type LogRecord,
  type Origin,
  type Received,
  type Value,
} from './log-record.ts';

const { isUtf8 } = process.getBuiltinModule('node:buffer');
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => object };

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
/** Bytes of the longest varint. */
const LONGEST = 10;

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of FIXED64, FIXED32 and LENGTH. */
  readonly bytes: Buffer;
  /** Of VARINT. */
  readonly varint: bigint;
}

const NOTHING = Buffer.alloc(0);

/** The fields of a message, in their order. @throws {MalformedError} */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let index = 0; index < LONGEST; index++) {
      const byte = message[at++];
      if (byte === undefined) break;
      // Most are of one byte.
      if (index === 0 && byte < 0x80) return BigInt(byte);
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedError('a number that does not end');
  };
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw new MalformedError('a field that is longer than what it is in');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0) throw new MalformedError('a field without a number');
    switch (wire) {
      case VARINT:
        yield { number, wire, bytes: NOTHING, varint: varint() };
        break;
      case FIXED64:
        yield { number, wire, bytes: take(8), varint: 0n };
        break;
      case LENGTH:
        yield { number, wire, bytes: take(Number(varint())), varint: 0n };
        break;
      case FIXED32:
        yield { number, wire, bytes: take(4), varint: 0n };
        break;
      default:
        throw new MalformedError(`a field of the unknown type ${wire}`);
    }
  }
}

/** The messages and texts of a field's number. */
function* within(message: Buffer, number: number): Generator<Buffer> {
  for (const field of fieldsOf(message)) if (field.number === number && field.wire === LENGTH) yield field.bytes;
}

/** The last of them, which counts; empty where there is none. */
function lastWithin(message: Buffer, number: number): Buffer {
  let last: Buffer = NOTHING;
  for (const bytes of within(message, number)) last = bytes;
  return last;
}

/** Bytes that are no UTF-8 are read as ISO 8859-1, which loses nothing. */
const textOf = (bytes: Buffer): string => (isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1'));

/**
 * The records of an ExportLogsServiceRequest, decoded as they are asked for.
 * @throws {MalformedError} while they are, when it is none
 */
export function* readProtobuf(request: Buffer): Generator<Received> {
  for (const resourceLogs of within(request, 1)) {
    const bytes = lastWithin(resourceLogs, 1);
    const resource = resourceOf(bytes);
    for (const scopeLogs of within(resourceLogs, 2)) {
      const name = lastWithin(lastWithin(scopeLogs, 1), 1);
      const origin = { resource, scope: textOf(name), size: bytes.length + name.length };
      for (const record of within(scopeLogs, 2)) yield readRecord(record, origin);
    }
  }
}

/** What a resource says. @throws {MalformedError} when it says too much: each of its records would */
function resourceOf(message: Buffer): Attributes {
  const budget = new Budget();
  const attributes: [string, Value][] = [];
  try {
    for (const pair of within(message, 1)) attributes.push(readPair(pair, budget, 0));
  } catch (error) {
    throw error instanceof TooMuchError ? new MalformedError(`a resource with ${error.message}`) : error;
  }
  return attributes;
}

function readRecord(message: Buffer, origin: Origin): Received {
  const budget = new Budget();
  const record = {
    time: 0n,
    observedTime: 0n,
    severityNumber: 0,
    severityText: '',
    body: null as Value,
    attributes: [] as [string, Value][],
    traceId: '',
    spanId: '',
    eventName: '',
  };
  try {
    for (const { number, wire, bytes, varint } of fieldsOf(message)) {
      if (wire === FIXED64 && number === 1) record.time = bytes.readBigUInt64LE();
      else if (wire === FIXED64 && number === 11) record.observedTime = bytes.readBigUInt64LE();
      else if (wire === VARINT && number === 2) record.severityNumber = Number(BigInt.asIntN(32, varint));
      else if (wire !== LENGTH) continue;
      else if (number === 3) record.severityText = textOf(bytes);
      else if (number === 5) record.body = readValue(bytes, budget, 0);
      else if (number === 6) record.attributes.push(readPair(bytes, budget, 0));
      else if (number === 9) record.traceId = idOf(bytes);
      else if (number === 10) record.spanId = idOf(bytes);
      else if (number === 12) record.eventName = textOf(bytes);
    }
  } catch (error) {
    if (error instanceof TooMuchError) return new Rejected(error.message);
    throw error;
  }
  return [record satisfies LogRecord, origin];
}

/** An id of zeros is none. */
const idOf = (bytes: Buffer): string => (bytes.every((byte) => byte === 0) ? '' : bytes.toString('hex'));

function readPair(message: Buffer, budget: Budget, depth: number): [string, Value] {
  budget.spend(depth);
  return [textOf(lastWithin(message, 1)), readValue(lastWithin(message, 2), budget, depth + 1)];
}

function readValue(message: Buffer, budget: Budget, depth: number): Value {
  budget.spend(depth);
  let value: Value = null;
  for (const { number, wire, bytes, varint } of fieldsOf(message)) {
    if (wire === LENGTH && number === 1) value = textOf(bytes);
    else if (wire === VARINT && number === 2) value = varint !== 0n;
    else if (wire === VARINT && number === 3) value = wholeOf(BigInt.asIntN(64, varint));
    else if (wire === FIXED64 && number === 4) value = doubleOf(bytes.readDoubleLE());
    else if (wire === LENGTH && number === 5) {
      const list: Value[] = [];
      for (const each of within(bytes, 1)) list.push(readValue(each, budget, depth + 1));
      value = list;
    } else if (wire === LENGTH && number === 6) {
      const pairs: [string, Value][] = [];
      for (const pair of within(bytes, 1)) pairs.push(readPair(pair, budget, depth + 1));
      value = Object.fromEntries(pairs);
    } else if (wire === LENGTH && number === 7) value = bytes.toString('base64');
  }
  return value;
}

/** All digits of it. */
export const wholeOf = (value: bigint): Value =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : rawJSON(String(value));

/** JSON has no name for those that are no numbers. */
export const doubleOf = (value: number): Value => (Number.isFinite(value) ? value : String(value));
