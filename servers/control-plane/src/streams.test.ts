/** How many streams of xDS may be open: applications cannot take the room of proxies, nor proxies that of applications. */
import { connect, type Socket } from 'node:net';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Logger } from '#kit/telemetry/log.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { startPlane, type TestPlane } from './testing/plane.ts';
import { startProxy } from './testing/proxy.ts';

const LONG = { within: 120_000 };
const POLICY = JSON.stringify({ services: { front: { ports: [{ port: 8080, protocol: 'http' }] } } });
const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const same = (bytes: Buffer): Buffer => bytes;

interface Stream {
  /** How it ended; undefined while it is open. */
  error: ServiceError | undefined;
  /** Ask for what is no request. */
  ask(): void;
  end(): void;
}

/** An application's stream that asks for nothing. */
function openStream(plane: TestPlane): Stream {
  const client = new Client(`127.0.0.1:${plane.ports.xds}`, credentials.createInsecure());
  const call = client.makeBidiStreamRequest(METHOD, same, same);
  const stream: Stream = {
    error: undefined,
    ask: () => void call.write(Buffer.alloc(0)),
    end: () => {
      call.cancel();
      client.close();
    },
  };
  call.on('error', (error: ServiceError) => (stream.error = error));
  call.resume();
  return stream;
}

test('applications take all of their room, and proxies connect', async () => {
  const refusals: string[] = [];
  const events = { refusal: (reason: string) => void refusals.push(reason) };
  const plane = await startPlane(POLICY, { streams: { proxy: 1, application: 5 }, events });
  const greedy = Array.from({ length: 8 }, () => openStream(plane));
  const refused = (): Stream[] => greedy.filter(({ error }) => error);
  await eventually('there is no more room', () => refused().length === 3, LONG);
  for (const { error } of refused()) {
    assert.is(error!.code, status.RESOURCE_EXHAUSTED);
    assert.match(error!.details, /^5 streams of applications are open.*CONTROL_MAX_APPLICATION_STREAMS$/);
  }
  assert.equal([...new Set(refusals)], ['application_streams']);
  const front = startProxy(plane, 'front');
  await eventually('configured', () => front.last, LONG);
  assert.is(refused().length, 3);
  greedy.find(({ error }) => !error)!.end();
  // Who has room is heard, and told what is wrong with what it says.
  const heard = async (): Promise<boolean> => {
    const stream = openStream(plane);
    stream.ask();
    await eventually('told', () => stream.error, LONG);
    stream.end();
    return stream.error!.code === status.INVALID_ARGUMENT;
  };
  await eventually('there is room again', heard, LONG);
  for (const stream of greedy) stream.end();
  await front.close();
  await plane.close();
});

test('proxies have a bound of their own, and come again until there is room', async () => {
  const refusals: string[] = [];
  const events = { refusal: (reason: string) => void refusals.push(reason) };
  const plane = await startPlane(POLICY, { streams: { proxy: 1, application: 1 }, events });
  const ended: string[] = [];
  const note = ({ reason = '' }: { reason?: string }): void => void ended.push(reason);
  const log = { info: note, warn: note, debug: note } as unknown as Logger;
  const front = startProxy(plane, 'front');
  await eventually('configured', () => front.last, LONG);
  const late = startProxy(plane, 'front', { name: 'front-late', log });
  await eventually('refused', () => ended.some((reason) => /status 8.*CONTROL_MAX_PROXY_STREAMS/.test(reason)), LONG);
  await front.close();
  await eventually('configured', () => late.last, LONG);
  assert.equal([...new Set(refusals)], ['proxy_streams']);
  await late.close();
  await plane.close();
});

test('an identity that holds all of the room makes room for another, and comes again in vain', async () => {
  const plane = await startPlane(POLICY, { streams: { proxy: 4, application: 1 } });
  const greedy = ['1', '2', '3', '4', '5', '6'].map((name) => startProxy(plane, 'front', { name }));
  const held = (service: string): number => plane.discovery.clients.filter((each) => each.service === service).length;
  await eventually('one identity holds all', () => held('front') === 4, LONG);
  const shop = ['1', '2'].map((name) => startProxy(plane, 'shop', { name }));
  await eventually('the other has its half', () => held('shop') === 2 && shop.every(({ last }) => last), LONG);
  const before = plane.seen.filter((each) => each === 'refusal: proxy_streams').length;
  const refused = (): number => plane.seen.filter((each) => each === 'refusal: proxy_streams').length;
  await eventually('the first comes again', () => refused() > before + 3, LONG);
  assert.equal([held('front'), held('shop')], [2, 2]);
  for (const proxy of [...greedy, ...shop]) await proxy.close();
  await plane.close();
});

test('connections that say nothing are bounded, and do not keep an application out', async () => {
  const plane = await startPlane(POLICY, { streams: { proxy: 1, application: 2 } });
  const dial = (localAddress: string): Socket => connect({ host: '127.0.0.1', port: plane.ports.xds, localAddress });
  const silent = Array.from({ length: 150 }, () => dial('127.0.0.2').on('error', () => {}));
  const open = (): number => silent.filter(({ readyState }) => readyState === 'open').length;
  await eventually('a limited number stays', () => silent.every((each) => !each.connecting) && open() <= 102, LONG);
  const stream = openStream(plane);
  stream.ask();
  await eventually('an application is heard', () => stream.error?.code === status.INVALID_ARGUMENT, LONG);
  stream.end();
  for (const each of silent) each.destroy();
  await plane.close();
});

test.run();
