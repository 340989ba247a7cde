// A gRPC application without a sidecar: it resolves xds:/// names by itself.
//
// usage: xds-call.js TARGET CALLS [GOOD: successes in a row that are enough]
//        xds-call.js TARGET CALLS GOOD REPLICA KEY: fifty a second, with KEY as x-key; good is what REPLICA answered
'use strict';
const grpc = require('@grpc/grpc-js');
require('@grpc/grpc-js-xds').register();

const [target, calls = '1', good = 'Infinity', replica, key] = process.argv.slice(2);
const json = {
  serialize: (value) => Buffer.from(JSON.stringify(value)),
  deserialize: (bytes) => JSON.parse(bytes),
};
const Echo = grpc.makeGenericClientConstructor({
  say: {
    path: '/check.Echo/Say',
    requestStream: false,
    responseStream: false,
    requestSerialize: json.serialize,
    responseDeserialize: json.deserialize,
  },
});
const client = new Echo(target, grpc.credentials.createInsecure());

const metadata = new grpc.Metadata();
if (key) metadata.set('x-key', key);

const call = () =>
  new Promise((resolve) =>
    client.say({ text: 'hello' }, metadata, { deadline: Date.now() + 20000 }, (error, echo) =>
      resolve(error ? `${grpc.status[error.code]}: ${error.details}` : echo.replica),
    ),
  );

void (async () => {
  const outcomes = [];
  for (let row = 0; outcomes.length < Number(calls) && row < Number(good);) {
    const outcome = await call();
    outcomes.push(outcome);
    row = (replica ? outcome === replica : !outcome.includes(':')) ? row + 1 : 0;
    if (replica) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
})();
