/** For tests: what an input that listens is told, with a spool that only collects. */
import { eventually } from '#kit/testing/eventually.ts';
import { Documents } from '../lines/document.ts';
import { Rules } from '../lines/rules.ts';
import type { LogRecord } from '../lines/record.ts';
import type { ListenerOptions } from './server.ts';

export const LIMIT = 1024;

/** What came of what was sent. */
export interface Collected {
  readonly records: LogRecord[];
  readonly documents: () => Record<string, unknown>[];
  readonly refused: string[];
  readonly skipped: string[];
  /** What it logged. */
  readonly logged: string[];
  /** How often something was read. */
  readonly reading: () => number;
  /** While false, the spool takes nothing. */
  room: boolean;
}

/** @param drop what a rule drops */
export function collect({ drop }: { readonly drop?: string | undefined } = {}) {
  const records: LogRecord[] = [];
  const refused: string[] = [];
  const skipped: string[] = [];
  const logged: string[] = [];
  const note = (...said: unknown[]): void => void logged.push(JSON.stringify(said));
  let reads = 0;
  const collected: Collected = {
    records,
    refused,
    skipped,
    logged,
    documents: () => records.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    reading: () => reads,
    room: true,
  };
  const rules = new Rules({ LINE_DROP: drop, LINE_REDACT: undefined, LINE_REDACT_WITH: '' });
  const options = {
    address: '127.0.0.1',
    port: 0,
    maxConnections: 3,
    encryption: undefined,
    documents: new Documents({ rules, limit: LIMIT, ours: [] }),
    limit: LIMIT,
    members: '',
    serviceName: 'shop',
    spool: {
      append: async (given: readonly LogRecord[]) => {
        await eventually('room in the spool', () => collected.room);
        records.push(...given);
      },
    },
    log: { warn: note, error: note },
    onRead: () => void reads++,
    onConnections: () => {},
    onRefused: (reason: Parameters<ListenerOptions['onRefused']>[0]) => void refused.push(reason),
    skipped: (reason: string) => void skipped.push(reason),
    cut: () => {},
  };
  return { options, collected };
}
