/** What the broker mode takes and counts. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';
import type { Parameters } from '#kit/contract/parameters.ts';

export const brokerParameters = {
  BROKER_FILE: {
    type: 'path',
    description:
      'broker: the file that says which servers the application gets, in YAML or JSON; required, and watched',
  },
  BROKER_POLL: {
    type: 'duration',
    unit: 's',
    default: '2s',
    min: 100,
    max: 3_600_000,
    description: 'broker: how often the file is looked at where changes make no events',
  },
  BROKER_WAIT: {
    type: 'duration',
    unit: 's',
    default: '5s',
    min: 0,
    max: 3_600_000,
    description: 'broker: how long a connection or a request waits while none of its servers can be connected to',
  },
} as const satisfies Parameters;

export const brokerMetrics = {
  broker_moves: {
    type: 'counter',
    help: 'broker: times that a service got other servers',
    bad: 'again and again: the file goes to and fro',
    labels: ['service'],
  },
  broker_file_refused: {
    type: 'counter',
    help: 'broker: times that a changed file could not be used',
    bad: 'any: the file of before is in effect',
  },
  broker_connections: {
    type: 'gauge',
    help: 'broker: connections of TCP to a server now: 0 when it may be switched off',
    bad: 'above 0 for long at a server that the file does not name any more',
    labels: ['service', 'server'],
  },
  broker_requests: {
    type: 'gauge',
    help: 'broker: requests of HTTP under way at a server now: 0 when it may be switched off',
    bad: 'above 0 for long at a server that the file does not name any more',
    labels: ['service', 'server'],
  },
  broker_drained: {
    type: 'counter',
    help: 'broker: connections to former servers that were closed, at a quiet moment or at the limit',
    bad: 'many with the moment limit: they were cut within a command',
    labels: ['service', 'moment'],
  },
} as const satisfies MetricDeclarations;
