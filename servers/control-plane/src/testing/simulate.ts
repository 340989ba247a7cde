/**
 * A thousand simulated proxies on one control plane: how long until all have a change, and what it costs.
 *
 *     node servers/control-plane/src/testing/simulate.ts [SERVICES] [PROXIES_EACH]
 *
 * Control plane and proxies share this machine, in a process each. The control plane is the bundle that its image has:
 * build it first (`npm run setup`).
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePorts } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { EDS, RDS } from '#mesh/xds/store.ts';
import { Simulation } from './simulation.ts';

const JOIN = 'a-join-token-for-the-simulation';
const OPERATOR = 'an-operator-token-for-it';
const ROUNDS = 5;
const LONG = { within: 240_000, every: 5 };

const PROGRAM = join(import.meta.dirname, '../../dist/control-plane.mjs');
if (!existsSync(PROGRAM)) {
  console.error(`there is no ${PROGRAM}: npm run setup builds it`);
  process.exit(2);
}

const [services = 100, proxiesEach = 10] = process.argv.slice(2).map(Number);
const directory = temporaryDirectory('mesh-scale');
mkdirSync(join(directory, 'trust'));
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const policyOf = Object.fromEntries(
  Array.from({ length: services }, (_, index) => [
    `s${index}`,
    {
      ports: [{ port: 8000 + (index % 10), protocol: 'http' }],
      subsets: { v1: { version: '1' }, v2: { version: '2' } },
      routes: [
        {
          name: 'main',
          to: [
            { subset: 'v1', weight: 50 },
            { subset: 'v2', weight: 50 },
          ],
        },
      ],
    },
  ]),
);
const [xds, mtls, enrolment, api] = (await freePorts(4)) as [number, number, number, number];
const plane = await startProgram(['--max-semi-space-size=4', PROGRAM], {
  // As in the image.
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
  CONTROL_ADDRESS: '127.0.0.1',
  CONTROL_XDS_PORT: String(xds),
  CONTROL_MTLS_PORT: String(mtls),
  CONTROL_ENROLMENT_PORT: String(enrolment),
  CONTROL_API_PORT: String(api),
  CONTROL_NAMESPACE: 'shop',
  CONTROL_POLICY: file('policy.yaml', JSON.stringify({ services: policyOf })),
  CONTROL_TOKENS: file('tokens', `all * ${JOIN}`),
  CONTROL_OPERATOR_TOKEN: OPERATOR,
  CONTROL_DATA: join(directory, 'data'),
  CONTROL_TRUST: join(directory, 'trust'),
  CONTROL_LEASE: '1h',
  CONTROL_PROBE_INTERVAL: '0',
  LOG_LEVEL: 'warn',
});
await plane.up();
const began = performance.now();
const simulation = await Simulation.start({
  host: 'localhost',
  ports: { mtls, enrolment },
  token: JOIN,
  roots: readFileSync(join(directory, 'trust/root.crt'), 'utf8'),
  services,
  proxiesEach,
});
const count = services * proxiesEach;
const nothing = Array.from({ length: count }, () => undefined);
await eventually(
  'all are configured',
  () => simulation.changed(RDS, nothing) === count && simulation.changed(EDS, nothing) === count,
  LONG,
);
const cpu = async (): Promise<number> => await plane.metric('process_cpu_seconds_total');
const rss = async (): Promise<number> =>
  Math.round((await plane.metric('process_resident_memory_bytes')) / 1024 / 1024);
console.log(
  `${count} proxies of ${services} services: configured after ${((performance.now() - began) / 1000).toFixed(1)} s, ${await rss()} MB`,
);

for (let round = 1; round <= ROUNDS; round++) {
  const before = simulation.versions(RDS);
  const spent = await cpu();
  const from = performance.now();
  await request(`http://127.0.0.1:${api}/api/splits/s0/main`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${OPERATOR}`, 'content-type': 'application/json' },
    body: JSON.stringify({ v1: round, v2: 100 - round }),
    timeout: 60_000,
  });
  await eventually('all have the change', () => simulation.changed(RDS, before) === count, LONG);
  const took = Math.round(performance.now() - from);
  console.log(
    `round ${round}: all have the change after ${took} ms; control plane: ${((await cpu()) - spent).toFixed(2)} s CPU, ${await rss()} MB`,
  );
}
simulation.close();
process.exitCode = (await plane.stop()) === 0 && simulation.ended.every((reason) => reason === 'closed') ? 0 : 1;
