/** The adapter sidecar's contract: what it takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';
import type { Kit } from '#kit/life/sidecar.ts';
import { parameters } from './parameters.ts';

export const contract = defineContract({
  name: 'adapter',
  version: '1.3.0',
  description: 'Gives valkey and MariaDB the metrics, slow logs and health that everything else has.',
  prefixes: ['ADAPTER_'],
  adminPort: '9992',
  deploy: { memory: '192m', appPort: 'ADAPTER_PORT' },
  ports: {},
  parameters,
  endpoints: {
    '/metrics': 'Prometheus text format: the names below, and those of the database under the names of its exporter',
  },
  metrics: {
    adapter_scrapes_total: { type: 'counter', help: 'Requests for /metrics', bad: 'no rise: nobody reads the metrics' },
    adapter_rounds_total: {
      type: 'counter',
      help: 'Rounds of questions to the database; scrapes at one time share one',
      bad: 'nothing by itself',
    },
    adapter_failed_rounds_total: {
      type: 'counter',
      help: 'Rounds that were not answered in time',
      bad: 'any rate that lasts: the database is slow or away',
    },
    adapter_refused_queries_total: {
      type: 'counter',
      help: 'Questions that were refused or failed while others were answered',
      bad: 'a rise: the database’s user may not ask this',
      labels: ['query'],
    },
    adapter_cached_age_seconds: {
      type: 'gauge',
      help: 'Age of the answer to an expensive question that is shown',
      bad: 'several times the interval at which it is asked for',
      labels: ['query'],
    },
    adapter_expensive_duration_seconds: {
      type: 'gauge',
      help: 'How long the last answer to an expensive question took',
      bad: 'seconds: the question itself loads the database',
      labels: ['query'],
    },
    adapter_slow_log_entries_total: {
      type: 'counter',
      help: 'Lines written from the slow log',
      bad: 'a sudden rise: queries became slow',
    },
    adapter_slow_log_lost_total: {
      type: 'counter',
      help: 'Entries that the database dropped before they were read',
      bad: 'any: more slow queries than the database keeps',
    },
  },
});

/** What the parts of the adapter are given. */
export type AdapterKit = Kit<typeof contract.parameters, typeof contract.metrics>;
