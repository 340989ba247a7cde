/** MariaDB (and MySQL) as the adapter asks it. */
import type { AdapterKit } from '../contract.ts';
import type { Database, ExpensiveQuery, Outcome, Refused } from '../database.ts';
import { Families } from '../families.ts';
import type { Server } from '../server.ts';
import { conversation, isRefusal, type Query } from './client.ts';
import {
  addCompressedPages,
  addCompression,
  addResponseTimes,
  COMPRESSED_PAGES,
  COMPRESSION,
  RESPONSE_TIMES,
  TABLES,
  tablesOf,
} from './information-schema.ts';
import { addReplication } from './replication.ts';
import { SlowLog } from './slow-log.ts';
import { addStatus, addVariables } from './status.ts';

/** @param parameters what of it is wanted, and how */
export function openMariadb(server: Server, parameters: AdapterKit['parameters']): Database {
  const { ADAPTER_TIMEOUT: timeout, ADAPTER_EXPENSIVE_INTERVAL: interval } = parameters;
  const slowLog = new SlowLog(parameters.ADAPTER_SLOW_LOG_TEXT === 'whole');
  const tables: ExpensiveQuery = {
    name: 'tables',
    ask: (signal) =>
      conversation(server, signal, interval, async (query) => {
        const start = performance.now();
        const families = tablesOf((await query(TABLES)).rows);
        addCollector(families, 'info_schema.tables', 1, start);
        return families;
      }),
  };
  return {
    scrape: (signal, refused) => conversation(server, signal, timeout, (query) => scrape(query, refused)),
    about,
    ping: (signal) => conversation(server, signal, timeout, async (query) => void (await query('SELECT 1'))),
    expensive: parameters.ADAPTER_TABLES ? [tables] : [],
    slowLog:
      parameters.ADAPTER_SLOW_LOG_INTERVAL === 0
        ? undefined
        : (signal) => conversation(server, signal, timeout, (query) => slowLog.read(query)),
  };
}

/** The collectors that the exporter has on without being asked, by its names for them. */
const COLLECTORS: Readonly<Record<string, (query: Query, families: Families) => Promise<void>>> = {
  global_status: async (query, families) => addStatus(families, (await query('SHOW GLOBAL STATUS')).rows),
  global_variables: async (query, families) => addVariables(families, (await query('SHOW GLOBAL VARIABLES')).rows),
  slave_status: async (query, families) => addReplication(families, await replicas(query)),
  'info_schema.innodb_cmp': async (query, families) => addCompression(families, (await query(COMPRESSION)).rows),
  'info_schema.innodb_cmpmem': async (query, families) =>
    addCompressedPages(families, (await query(COMPRESSED_PAGES)).rows),
  'info_schema.query_response_time': async (query, families) => {
    if (await keepsResponseTimes(query)) addResponseTimes(families, (await query(RESPONSE_TIMES)).rows);
  },
};

async function scrape(query: Query, refused: Refused): Promise<Families> {
  const families = new Families();
  const began = performance.now();
  await query('SELECT 1');
  addDuration(families, 'connection', began);
  for (const [name, collect] of Object.entries(COLLECTORS)) {
    const start = performance.now();
    let success = 1;
    try {
      await collect(query, families);
    } catch (error) {
      // What ends the connection ends the round: half of an answer is none.
      if (!isRefusal(error)) throw error;
      success = 0;
      refused(name, error);
    }
    addCollector(families, name, success, start);
  }
  return families;
}

function addCollector(families: Families, name: string, success: number, start: number): void {
  const collector = `collect.${name}`;
  families.add('gauge', 'mysql_exporter_collector_success', 'Whether a collector was answered', success, { collector });
  addDuration(families, collector, start);
}

/** @param start by the monotonic clock, in milliseconds */
function addDuration(families: Families, collector: string, start: number): void {
  const seconds = (performance.now() - start) / 1000;
  families.add('gauge', 'mysql_exporter_collector_duration_seconds', 'How long a collector took', seconds, {
    collector,
  });
}

/** MariaDB's word for it first, then MySQL's old and new one. */
async function replicas(query: Query): ReturnType<Query> {
  let last: unknown;
  for (const sql of ['SHOW ALL SLAVES STATUS', 'SHOW SLAVE STATUS', 'SHOW REPLICA STATUS']) {
    try {
      return await query(sql);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      last = error;
    }
  }
  throw last;
}

/** A plugin has the times; most servers are without it. */
async function keepsResponseTimes(query: Query): Promise<boolean> {
  try {
    return (await query('SELECT @@query_response_time_stats')).rows[0]?.[0] === '1';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}

function about({ error }: Outcome): Families {
  const families = new Families();
  families.add('gauge', 'mysql_up', 'Whether the server answered', error === undefined ? 1 : 0);
  return families;
}
