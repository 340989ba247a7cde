/** For tests: the forward input with a spool that only collects, and senders. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Documents } from '../lines/document.ts';
import { Rules } from '../lines/rules.ts';
import { Splitter } from '../lines/splitter.ts';
import type { LogRecord } from '../lines/record.ts';
import { startForward, type ForwardOptions } from './input.ts';
import type { Value } from './msgpack.ts';

export const LIMIT = 1024;

export interface Rig {
  readonly records: LogRecord[];
  readonly documents: () => Record<string, unknown>[];
  readonly refused: string[];
  /** What it logged. */
  readonly logged: string[];
  readonly port: number;
  /** Messages that were read, and may wait for the spool. */
  readonly reading: () => number;
  /** @param from another address of the loopback interface */
  readonly connect: (from?: string) => Promise<Socket>;
  /** The end, as the program has it: its senders are still there. */
  readonly end: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** While false, the spool takes nothing. */
  room: boolean;
}

/** Start it, on a port of its own. */
export async function start({
  multiline,
  drop,
  ...admission
}: { multiline?: RegExp; drop?: string } & Partial<
  Pick<ForwardOptions, 'encryption' | 'handshake' | 'now'>
> = {}): Promise<Rig> {
  const records: LogRecord[] = [];
  const refused: string[] = [];
  const logged: string[] = [];
  const note = (...said: unknown[]): void => void logged.push(JSON.stringify(said));
  const rules = new Rules({ LINE_DROP: drop, LINE_REDACT: undefined, LINE_REDACT_WITH: '' });
  const sockets: Socket[] = [];
  const rig = { room: true };
  let reads = 0;
  const input = await startForward({
    address: '127.0.0.1',
    port: 0,
    maxConnections: 3,
    maxMessage: 64 * 1024,
    encryption: undefined,
    handshake: undefined,
    ...admission,
    documents: new Documents({ rules, limit: LIMIT, ours: [] }),
    splitter: new Splitter(multiline),
    limit: LIMIT,
    patience: 50,
    members: '',
    serviceName: 'shop',
    spool: {
      append: async (given) => {
        await eventually('room in the spool', () => rig.room);
        records.push(...given);
      },
    },
    log: { warn: note, error: note },
    dir: temporaryDirectory('forward'),
    drops: false,
    onRead: () => void reads++,
    onDiskError: () => {},
    onConnections: () => {},
    onRefused: (reason) => refused.push(reason),
    skipped: () => {},
    cut: () => {},
  });
  return Object.assign(rig, {
    records,
    refused,
    logged,
    port: input.port,
    reading: () => reads,
    documents: () => records.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
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
