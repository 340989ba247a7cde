/** For tests: the forward input with a spool that only collects, and senders. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Splitter } from '../lines/splitter.ts';
import { collect, type Collected } from '../senders/test-rig.ts';
import { startForward, type ForwardOptions } from './input.ts';
import type { Value } from './msgpack.ts';

export interface Rig extends Collected {
  readonly port: number;
  /** @param from another address of the loopback interface */
  readonly connect: (from?: string) => Promise<Socket>;
  /** The end, as the program has it: its senders are still there. */
  readonly end: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Start it, on a port of its own. */
export async function start({
  multiline,
  drop,
  ...admission
}: { multiline?: RegExp; drop?: string } & Partial<
  Pick<ForwardOptions, 'encryption' | 'handshake' | 'now'>
> = {}): Promise<Rig> {
  const { options, collected } = collect({ drop });
  const sockets: Socket[] = [];
  const input = await startForward({
    ...options,
    maxMessage: 64 * 1024,
    handshake: undefined,
    ...admission,
    splitter: new Splitter(multiline),
    patience: 50,
    dir: temporaryDirectory('forward'),
    drops: false,
    onDiskError: () => {},
  });
  return Object.assign(collected, {
    port: input.port,
    connect: async (from = '127.0.0.1') => {
      const socket = connect({ port: input.port, host: '127.0.0.1', localAddress: from });
      socket.on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    end: () => input.close(AbortSignal.timeout(30_000)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await input.close(AbortSignal.timeout(1000));
    },
  });
}

/** A record of these fields. */
export const fields = (values: Record<string, Value>): Map<Value, Value> => new Map(Object.entries(values));
/** A record of Docker's driver. */
export const docker = (log: Value, more: Record<string, Value> = {}): Map<Value, Value> =>
  fields({ container_id: 'c0ffee', container_name: '/shop-1', source: 'stdout', log, ...more });
