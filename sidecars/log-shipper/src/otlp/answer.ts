/** Answers of OTLP/HTTP, in the encoding of the request: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response */
export type Encoding = 'application/x-protobuf' | 'application/json';

/** Texts are short; a length of up to 127 is one byte. */
const MOST = 100;

/** An ExportLogsServiceResponse: all is taken, or all but some. */
export function accepted(encoding: Encoding, rejected: number, reason: string): Buffer {
  if (encoding === 'application/json') {
    const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: reason };
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }));
  }
  return rejected === 0 ? Buffer.alloc(0) : bytes(1, Buffer.concat([integer(1, rejected), text(2, reason)]));
}

/** A google.rpc.Status, which says why nothing is taken. */
export function refused(encoding: Encoding, message: string): Buffer {
  return encoding === 'application/json' ? Buffer.from(JSON.stringify({ message })) : text(2, message);
}

const bytes = (field: number, value: Buffer): Buffer => Buffer.concat([Buffer.of(field * 8 + 2, value.length), value]);

const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value.slice(0, MOST)));

function integer(field: number, value: number): Buffer {
  const list = [field * 8];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) list.push((rest % 0x80) | 0x80);
  return Buffer.from([...list, rest]);
}
