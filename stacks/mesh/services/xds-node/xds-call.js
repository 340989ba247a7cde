// A gRPC application without a sidecar: it resolves xds:/// names by itself.
//
// usage: xds-call.js TARGET CALLS [MILLISECONDS between two]
'use strict';
const grpc = require('@grpc/grpc-js');
require('@grpc/grpc-js-xds').register();

const [target, calls = '1', pause = '0'] = process.argv.slice(2);
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

const call = () =>
  new Promise((resolve) =>
    client.say({ text: 'hello' }, { deadline: Date.now() + 20000 }, (error, echo) =>
      resolve(error ? `${grpc.status[error.code]}: ${error.details}` : echo.replica),
    ),
  );

void (async () => {
  const outcomes = [];
  for (let count = 0; count < Number(calls); count++) {
    outcomes.push(await call());
    if (Number(pause) > 0) await new Promise((resolve) => setTimeout(resolve, Number(pause)));
  }
  process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
})();
