/** The log shipper's contract: what it takes, serves, counts and answers with. */
import { defineContract } from '#kit/contract/contract.ts';
import { alerts } from './alerts.ts';
import { deliveryMetrics } from './delivery/metrics.ts';
import { deliveryParameters } from './delivery/parameters.ts';
import { inputMetrics } from './metrics.ts';
import { inputParameters } from './parameters.ts';

export const contract = defineContract({
  name: 'log-shipper',
  version: '1.13.2',
  description:
    'Ships the log files and the output of an application to an Elasticsearch-compatible store: every line once, in order.',
  prefixes: [
    'FILE_',
    'LINE_',
    'MULTILINE_',
    'FORWARD_',
    'OTLP_',
    'SYSLOG_',
    'STORE_',
    'BULK_',
    'QUEUE_',
    'DEAD_LETTER_',
    'SPOOL_',
    'PIPELINES_',
  ],
  adminPort: '9951',
  deploy: {
    // Some 110 MB while a backlog is read: a limit close to it would make the kernel drop pages of the program.
    memory: '256m',
    volumes: { state: '/var/lib/log-shipper' },
  },
  parameters: { ...inputParameters, ...deliveryParameters },
  ports: {
    forward: { parameter: 'FORWARD_PORT', description: "Fluentd's forward protocol, for the `fluentd` logging driver" },
    otlp: { parameter: 'OTLP_PORT', description: 'log records by OTLP/HTTP: `POST /v1/logs`' },
    syslog: { parameter: 'SYSLOG_PORT', description: 'syslog by TCP, with octet counting or line feeds' },
    'syslog-udp': { parameter: 'SYSLOG_UDP_PORT', description: 'syslog by UDP' },
  },
  endpoints: {
    '/startupz': 'started: 200 once files are looked at and the ports listen, whether or not the store answers',
  },
  paths: {
    FILE_PATHS: 'logs; read and never written, the volume may be mounted read-only',
    STATE_DIR: 'registry: how far each file was shipped, and how it begins',
    SPOOL_DIR: 'lines of senders that wait for the store',
    DEAD_LETTER_DIR: 'lines that the store refuses, with its reason, one JSON object a line',
  },
  alerts,
  metrics: { ...inputMetrics, ...deliveryMetrics },
});
