/** The adapter sidecar's contract: what it takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';
import type { Kit } from '#kit/life/sidecar.ts';
import { parameters } from './parameters.ts';

export const contract = defineContract({
  name: 'adapter',
  version: '1.2.1',
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
    adapter_scrapes_total: { type: 'counter', help: 'Requests for /metrics' },
    adapter_rounds_total: {
      type: 'counter',
      help: 'Rounds of questions to the database; scrapes at one time share one',
    },
    adapter_failed_rounds_total: { type: 'counter', help: 'Rounds that were not answered in time' },
    adapter_refused_queries_total: {
      type: 'counter',
      help: 'Questions that were refused or failed while others were answered',
      labels: ['query'],
    },
    adapter_cached_age_seconds: {
      type: 'gauge',
      help: 'Age of the answer to an expensive question that is shown',
      labels: ['query'],
    },
    adapter_expensive_duration_seconds: {
      type: 'gauge',
      help: 'How long the last answer to an expensive question took',
      labels: ['query'],
    },
    adapter_slow_log_entries_total: { type: 'counter', help: 'Lines written from the slow log' },
    adapter_slow_log_lost_total: {
      type: 'counter',
      help: 'Entries that the database dropped before they were read',
    },
  },
});

/** What the parts of the adapter are given. */
export type AdapterKit = Kit<typeof contract.parameters, typeof contract.metrics>;
