/** Incremental discovery on the wire, as an Envoy asks for it with `api_type: DELTA_GRPC`. */
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { typeNamed } from './testing/constraints.ts';
import { startPlane } from './testing/plane.ts';
import { CDS, EDS } from './xds/resources/types.ts';

const LONG = { within: 60_000, every: 20 };
const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const REQUEST = 'envoy.service.discovery.v3.DeltaDiscoveryRequest';
const RESPONSE = 'envoy.service.discovery.v3.DeltaDiscoveryResponse';
const same = (bytes: Buffer): Buffer => bytes;

interface DeltaResponse {
  readonly type_url: string;
  readonly nonce: string;
  readonly resources: readonly {
    readonly name: string;
    readonly version: string;
    readonly resource: { readonly type_url: string; readonly value: Buffer };
  }[];
  readonly removed_resources: readonly string[];
}

/** A client that acknowledges all that it gets. */
function open(port: number) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = client.makeBidiStreamRequest(METHOD, same, same);
  const responses: DeltaResponse[] = [];
  let ended: ServiceError | undefined;
  let bytes = 0;
  const say = (request: object): void => {
    const type = typeNamed(REQUEST);
    call.write(Buffer.from(type.encode(type.fromObject(request)).finish()));
  };
  call.on('error', (error: ServiceError) => (ended = error));
  call.on('data', (message: Buffer) => {
    bytes += message.length;
    const response = typeNamed(RESPONSE).decode(message) as unknown as DeltaResponse;
    responses.push(response);
    say({ type_url: response.type_url, response_nonce: response.nonce });
  });
  return {
    say,
    responses,
    /** Names that came, by type, since the last look. */
    came: () => {
      const found = responses.splice(0);
      return {
        names: found.flatMap(({ resources }) => resources.map(({ name }) => name)),
        removed: found.flatMap(({ removed_resources }) => removed_resources),
      };
    },
    get bytes() {
      return bytes;
    },
    get ended() {
      return ended;
    },
    close: () => {
      call.cancel();
      client.close();
    },
  };
}

const policy = (services: readonly string[], timeouts: Readonly<Record<string, string>> = {}): string =>
  JSON.stringify({
    mesh: { mtls: 'DISABLE' },
    services: Object.fromEntries(
      services.map((name) => [
        name,
        {
          ports: [{ port: 8000, protocol: 'http' }],
          endpoints: ['192.0.2.1'],
          ...(timeouts[name] !== undefined && { connectTimeout: timeouts[name] }),
        },
      ]),
    ),
  });

test('one service of a hundred is changed, and a client is sent that one alone', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `shop-${String(index).padStart(2, '0')}`);
  const plane = await startPlane(policy(names));
  const envoy = open(plane.ports.xds);
  try {
    const cluster = (name: string): string => `outbound|8000||${name}`;
    envoy.say({ type_url: CDS, node: { id: 'envoy', user_agent_name: 'envoy' } });
    await eventually('all clusters', () => envoy.responses.length > 0, LONG);
    const { names: all } = envoy.came();
    assert.equal(all.filter((name) => name.startsWith('outbound')).toSorted(), names.map(cluster).toSorted());
    const whole = envoy.bytes;

    plane.setPolicy(policy(names, { 'shop-42': '1234ms' }));
    await eventually('a change', () => envoy.responses.length > 0, LONG);
    assert.equal(envoy.came(), { names: [cluster('shop-42')], removed: [] });
    assert.ok(envoy.bytes - whole < whole / 20, `${envoy.bytes - whole} bytes after ${whole}`);

    plane.setPolicy(policy(names.slice(0, -1), { 'shop-42': '1234ms' }));
    await eventually('a removal', () => envoy.responses.length > 0, LONG);
    assert.equal(envoy.came(), { names: [], removed: [cluster('shop-99')] });

    envoy.say({ type_url: EDS, resource_names_subscribe: [cluster('shop-01'), cluster('nowhere')] });
    await eventually('endpoints', () => envoy.responses.length > 0, LONG);
    assert.equal(envoy.came(), { names: [cluster('shop-01')], removed: [cluster('nowhere')] });
    assert.is(envoy.ended, undefined);
  } finally {
    envoy.close();
    await plane.close();
  }
});

test('a client that comes again is sent only what it has not', async () => {
  const plane = await startPlane(policy(['a', 'b']));
  const first = open(plane.ports.xds);
  const node = { id: 'envoy', user_agent_name: 'envoy' };
  try {
    first.say({ type_url: CDS, node });
    await eventually('all clusters', () => first.responses.length > 0, LONG);
    const { resources } = first.responses[0]!;
    first.close();
    const known = Object.fromEntries(resources.map(({ name, version }) => [name, version]));
    const takenBefore = plane.seen.filter((each) => each === 'policy taken').length;
    plane.setPolicy(policy(['a', 'b'], { b: '1234ms' }));
    await eventually(
      'it is taken',
      () => plane.seen.filter((each) => each === 'policy taken').length > takenBefore,
      LONG,
    );
    plane.publish();
    const again = open(plane.ports.xds);
    try {
      again.say({ type_url: CDS, node, initial_resource_versions: { ...known, gone: '1' } });
      await eventually('the rest', () => again.responses.length > 0, LONG);
      assert.equal(again.came(), { names: ['outbound|8000||b'], removed: ['gone'] });
    } finally {
      again.close();
    }
  } finally {
    await plane.close();
  }
});

test.run();
