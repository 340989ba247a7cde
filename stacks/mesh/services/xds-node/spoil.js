// Between a gRPC application and the control plane, for the checks: discovery passes through as it is, but one duration,
// which the control plane may well serve, gets more nanoseconds than a second has, which nobody may take.
//
// usage: spoil.js PORT CONTROL_PLANE
'use strict';
const grpc = require('@grpc/grpc-js');

const [port, controlPlane] = process.argv.slice(2);
const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const same = (bytes) => bytes;

/** google.protobuf.Duration in nanoseconds: field 2, a varint. */
function duration(nanoseconds) {
  const bytes = [0x10];
  for (let rest = nanoseconds; rest > 0; rest >>>= 7) bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Buffer.from(bytes);
}
const SPOILED = duration(987_000_000);
// As many bytes, so that nothing around it changes.
const TOO_MANY = duration(1_987_000_000);

function spoil(response) {
  for (let at = response.indexOf(SPOILED); at >= 0; at = response.indexOf(SPOILED, at)) TOO_MANY.copy(response, at);
  return response;
}

const upstream = new grpc.Client(controlPlane, grpc.credentials.createInsecure());
function relay(call) {
  const stream = upstream.makeBidiStreamRequest(PATH, same, same, new grpc.Metadata());
  call.on('data', (request) => stream.write(request));
  call.on('end', () => stream.end());
  call.on('cancelled', () => stream.cancel());
  call.on('error', () => stream.cancel());
  stream.on('data', (response) => call.write(spoil(response)));
  stream.on('end', () => call.end());
  stream.on('error', (error) => call.emit('error', error));
}

const server = new grpc.Server();
const method = {
  path: PATH,
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
};
server.addService(
  { StreamAggregatedResources: { ...method, responseSerialize: same, responseDeserialize: same } },
  { StreamAggregatedResources: relay },
);
server.bindAsync(`0.0.0.0:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
