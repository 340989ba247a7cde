/** The ambassador sidecar's contract: what it takes, serves and counts. Each mode declares its own part. */
import { defineContract } from '#kit/contract/contract.ts';
import { tracingParameters } from '#kit/tracing/parameters.ts';
import { accessLines, accessLogParameters } from '#proxy/filters/access-log.ts';
import { refusalMetrics } from '#proxy/refusals.ts';
import { spanMetrics } from '#proxy/tracing/metrics.ts';
import { alerts } from './alerts.ts';
import { brokerMetrics, brokerParameters } from './broker/contract.ts';
import { shardMetrics, shardParameters } from './shard/contract.ts';
import { splitMetrics, splitParameters } from './split/contract.ts';

export const contract = defineContract({
  name: 'ambassador',
  version: '0.11.1',
  description: 'Speaks for an application to what is outside: one local port in front of several servers.',
  prefixes: ['AMBASSADOR_', 'SERVER_', 'BROKER_', 'SPLIT_'],
  accessLines,
  adminPort: '9961',
  deploy: { volumes: { state: '/var/lib/ambassador' } },
  ports: {
    app: { parameter: 'AMBASSADOR_PORT', description: 'for the application' },
  },
  parameters: {
    AMBASSADOR_MODE: {
      type: 'enum',
      values: ['shard', 'broker', 'split'],
      default: 'shard',
      description:
        'What it is for: `shard`, keys in RESP over several servers; `broker`, servers by a file; `split`, two versions of an HTTP server',
    },
    AMBASSADOR_PORT: {
      type: 'port',
      default: '6379',
      description: 'Port for the application; in the broker mode its file says which',
    },
    AMBASSADOR_ADDRESS: {
      type: 'string',
      default: '127.0.0.1',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on: 127.0.0.1 in the application’s pod, 0.0.0.0 in a pod of its own',
    },
    AMBASSADOR_MAX_CLIENTS: {
      type: 'integer',
      default: '10000',
      min: 1,
      max: 1_000_000,
      description: 'Most connections of the application; further ones are told so and closed',
    },
    ...shardParameters,
    ...brokerParameters,
    ...splitParameters,
    ...accessLogParameters,
    ...tracingParameters,
  },
  alerts,
  metrics: {
    client_connections: {
      type: 'gauge',
      help: 'Connections of the application open now',
      bad: 'near AMBASSADOR_MAX_CLIENTS; a rise that never ends: the application leaks connections',
    },
    requests: {
      type: 'counter',
      help: 'Requests sent to a server',
      bad: 'much more on one server than on the others',
      labels: ['server'],
    },
    responses: {
      type: 'counter',
      help: 'Responses of a server',
      bad: 'fewer than requests for minutes: that server does not answer',
      labels: ['server'],
    },
    forward_error: {
      type: 'counter',
      help: 'Requests of the application that no server answered',
      bad: 'any rate that lasts: the application sees errors',
    },
    ambassador_request_duration_seconds: {
      type: 'histogram',
      help: 'Of requests by HTTP, from their head to the end of the response, in seconds; code is the status class, or none',
      bad: 'more than the servers themselves take; codes 5xx and none',
      labels: ['method', 'code'],
    },
    ambassador_state_damaged_total: {
      type: 'counter',
      help: 'Files of AMBASSADOR_STATE that could not be used at a start and were set aside',
      bad: 'any: keys that had not moved yet are not found',
      labels: ['kind'],
      known: { kind: ['servers'] },
    },
    ...refusalMetrics('ambassador'),
    ...spanMetrics('ambassador'),
    ...shardMetrics,
    ...brokerMetrics,
    ...splitMetrics,
  },
});
