/** The adapter's parameters. */
import type { Parameters } from '#kit/contract/parameters.ts';

export const parameters = {
  ADAPTER_MODE: {
    type: 'enum',
    values: ['valkey', 'mariadb'],
    required: true,
    description: 'What the database is; valkey stands for Redis, too, and mariadb for MySQL',
  },
  ADAPTER_HOST: {
    type: 'string',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9._:-]+$/,
    accepts: 'a name or an address',
    description: 'Where the database is; in its pod, at home',
  },
  ADAPTER_PORT: { type: 'port', description: 'Its port; 6379 for valkey and 3306 for mariadb where it is not set' },
  ADAPTER_USER: {
    type: 'string',
    pattern: /^.{1,128}$/,
    accepts: 'a user name',
    description: 'Who asks; the default user of valkey where it is not set, and required for mariadb',
  },
  ADAPTER_PASSWORD: { type: 'string', secret: true, description: 'The password of ADAPTER_USER' },
  ADAPTER_TLS_CA: {
    type: 'path',
    description: 'PEM of the authority that the certificate of the database must be of; without it, no TLS',
  },
  ADAPTER_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '2s',
    min: 10,
    max: 60_000,
    description: 'How long a scrape, a health check or a look at the slow log may wait for the database',
  },
  ADAPTER_HEALTH_INTERVAL: {
    type: 'duration',
    unit: 's',
    default: '2s',
    min: 50,
    max: 3_600_000,
    description: 'From one health check to the next',
  },
  ADAPTER_SLOW_LOG_INTERVAL: {
    type: 'duration',
    unit: 's',
    default: '5s',
    min: 0,
    max: 3_600_000,
    description: 'From one look at the slow log to the next; 0 reads none',
  },
  ADAPTER_SLOW_LOG_TEXT: {
    type: 'enum',
    values: ['redacted', 'whole'],
    default: 'redacted',
    description: 'What is shown of a slow query: without its values, or all that the database kept of it',
  },
  ADAPTER_EXPENSIVE_INTERVAL: {
    type: 'duration',
    unit: 's',
    default: '60s',
    min: 100,
    max: 86_400_000,
    description: 'From one answer to the next expensive question, and how long one may take',
  },
  ADAPTER_COUNT_KEYS: {
    type: 'list',
    pattern: /^(?:db\d{1,4}=)?[^=]+$/,
    accepts: 'a comma-separated list of patterns for SCAN, each with its database: db0=session:*',
    description: 'valkey: keys that are counted, on the interval for expensive questions',
  },
  ADAPTER_TABLES: {
    type: 'boolean',
    default: 'false',
    description: 'mariadb: rows and sizes of all tables, on the interval for expensive questions',
  },
} as const satisfies Parameters;
