/** For tests: requests and answers of OTLP logs by the schema of opentelemetry-proto, with a codec that is none of ours. */
import protobuf from 'protobufjs';

const SCHEMA = `
syntax = "proto3";
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message LogRecord {
  fixed64 time_unix_nano = 1; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9;
  bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message ExportLogsServiceResponse { ExportLogsPartialSuccess partial_success = 1; }
message ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message Status { int32 code = 1; string message = 2; }
`;
const ROOT = protobuf.parse(SCHEMA).root;
const of = (name: string): protobuf.Type => ROOT.lookupType(name);

/** A value as OTLP's JSON has it. */
export type Wire = Readonly<Record<string, unknown>>;

/** A request in both encodings, from its JSON: bytes are base64 there, but for ids, which are hexadecimal. */
export function encode(request: Wire): { json: Buffer; protobuf: Buffer } {
  const type = of('ExportLogsServiceRequest');
  const binary = JSON.parse(JSON.stringify(request), (name, value: unknown) =>
    name === 'traceId' || name === 'spanId' ? Buffer.from(value as string, 'hex').toString('base64') : value,
  ) as Wire;
  return {
    json: Buffer.from(JSON.stringify(request)),
    protobuf: Buffer.from(type.encode(type.fromObject(binary)).finish()),
  };
}

/** An answer, or a status, as JSON has it. */
export const decode = (name: 'ExportLogsServiceResponse' | 'Status', bytes: Uint8Array): unknown =>
  of(name).toObject(of(name).decode(bytes), { longs: String });

/** A request of records of one resource. */
export const requestOf = (
  logRecords: readonly Wire[],
  attributes: Wire = { 'service.name': 'checkout' },
): { json: Buffer; protobuf: Buffer } =>
  encode({
    resourceLogs: [
      {
        resource: { attributes: pairs(attributes) },
        scopeLogs: [{ scope: { name: 'library', version: '1' }, logRecords }],
      },
    ],
  });

/** Attributes whose values are texts. */
export const pairs = (attributes: Wire): Wire[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } }));
