/** Clients that ask on and on and read no answer do not fill the memory with answers. */
import { setImmediate as turn } from 'node:timers/promises';
import { Duplex } from 'node:stream';
import { status, type Server } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Boundary } from './boundary.ts';
import { Discovery } from './server.ts';
import { LDS, ORDER, ResourceSet, type View } from './resources/types.ts';

const wildcard = { name: 'one', hash: '1', any: { type_url: LDS, value: Buffer.alloc(10) }, wildcard: true };
const VIEW = Object.fromEntries(
  ORDER.map((type) => [type, new ResourceSet(type === LDS ? [wildcard] : [])]),
) as unknown as View;
const REQUESTS = 2000;

type Handler = (call: Duplex) => void;

/** The methods of a discovery service, as a server would call them. */
function methods(): Readonly<Record<string, Handler>> {
  const ignore = (): void => {};
  const log = { info: ignore, warn: ignore, error: ignore, debug: ignore } as never;
  const discovery = new Discovery({
    log,
    boundary: new Boundary(log, ignore),
    viewOf: () => VIEW,
    identify: () => undefined,
    onAnswer: ignore,
    onPush: ignore,
    onClients: ignore,
    onRefused: ignore,
    limits: { proxy: 1, application: 1 },
  });
  const all: Record<string, Handler> = {};
  const addService = (_definition: unknown, own: Record<string, Handler>): void => void Object.assign(all, own);
  discovery.serve({ addService } as unknown as Server);
  return all;
}

/** A stream whose client sends a number of requests, and reads nothing. */
function unread(request: (index: number) => object): { call: Duplex; errors: { code?: number }[] } {
  let index = 0;
  const call = new Duplex({
    objectMode: true,
    read: () => void call.push(index < REQUESTS ? request(index++) : null),
    write: () => {},
  });
  const errors: { code?: number }[] = [];
  call.on('error', (error: { code?: number }) => errors.push(error));
  return { call: Object.assign(call, { getAuthContext: () => ({}), getPeer: () => '127.0.0.1:1' }), errors };
}

async function turns(): Promise<void> {
  for (let count = 0; count < 2 * REQUESTS; count++) await turn();
}

test('of the status of all clients, the next is made when the last is on its way', async () => {
  const { call } = unread(() => ({}));
  methods()['StreamClientStatus']!(call);
  await turns();
  assert.ok(call.writableLength <= 2 * call.writableHighWaterMark, `${call.writableLength} wait`);
});

test('who says that it took what it never read, and asks for more, is refused', async () => {
  const { call, errors } = unread((index) => ({
    node: { id: 'greedy', user_agent_name: '' },
    type_url: LDS,
    response_nonce: index === 0 ? '' : String(index),
    resource_names: [`name-${index}`],
  }));
  methods()['StreamAggregatedResources']!(call);
  await turns();
  assert.ok(call.writableLength < 200, `${call.writableLength} wait`);
  assert.equal(
    errors.map(({ code }) => code),
    [status.RESOURCE_EXHAUSTED],
  );
});

test.run();
