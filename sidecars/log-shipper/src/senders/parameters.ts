/** The parameters of the inputs for senders of OTLP and of syslog. */
import type { Parameters } from '#kit/contract/parameters.ts';

const MEBIBYTE = 1024 ** 2;

const ADDRESS = {
  type: 'string',
  default: '0.0.0.0',
  pattern: /^[0-9a-fA-F.:]+$/,
  accepts: 'an IP address',
  description: 'Address to listen on; 127.0.0.1 for senders in the pod alone',
} as const;
const KEY = { type: 'path', description: 'File of its key, in PEM, without a passphrase' } as const;
const CLIENT_CA = {
  type: 'path',
  description: 'File of authorities, in PEM: senders must have a certificate that one of them signed',
} as const;

export const otlpParameters = {
  OTLP_PORT: { type: 'port', description: 'Port for log records by OTLP/HTTP, at `/v1/logs`; 4318 is usual' },
  OTLP_ADDRESS: ADDRESS,
  OTLP_MAX_REQUEST: {
    type: 'size',
    unit: 'bytes',
    default: '4MiB',
    min: 64 * 1024,
    max: 64 * MEBIBYTE,
    description: 'Largest request, and most that is compressed in one; a larger one is answered with 413',
  },
  OTLP_MAX_CONNECTIONS: {
    type: 'integer',
    default: '16',
    min: 1,
    max: 1024,
    description:
      'Connections at a time, each of which may hold a request in memory. When all are taken, a newcomer ends one of the address that has most',
  },
  OTLP_TLS_CERT_FILE: {
    type: 'path',
    description:
      'File of the certificate with its chain, in PEM: senders must speak HTTPS then; looked at again for each connection. With OTLP_TLS_KEY_FILE',
  },
  OTLP_TLS_KEY_FILE: KEY,
  OTLP_TLS_CLIENT_CA_FILE: CLIENT_CA,
  OTLP_TOKEN: {
    type: 'string',
    secret: true,
    pattern: /^[!-~]{1,1024}$/,
    accepts: 'text without blanks',
    description:
      'Bearer token that senders must show (`OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN`). Read at start',
  },
} as const satisfies Parameters;

export const syslogParameters = {
  SYSLOG_PORT: { type: 'port', description: 'Port for syslog by TCP; 514 is usual, 6514 with TLS' },
  SYSLOG_UDP_PORT: { type: 'port', description: 'Port for syslog by UDP; it may be the same number' },
  SYSLOG_ADDRESS: ADDRESS,
  SYSLOG_MAX_CONNECTIONS: {
    type: 'integer',
    default: '32',
    min: 1,
    max: 1024,
    description:
      'TCP connections at a time. When all are taken, a newcomer ends a silent one: of an address that has more, or silent for a minute; of an address that has more than half of all, also one that talks',
  },
  SYSLOG_TLS_CERT_FILE: {
    type: 'path',
    description:
      'File of the certificate with its chain, in PEM: senders by TCP must speak TLS then; looked at again for each connection. With SYSLOG_TLS_KEY_FILE',
  },
  SYSLOG_TLS_KEY_FILE: KEY,
  SYSLOG_TLS_CLIENT_CA_FILE: CLIENT_CA,
} as const satisfies Parameters;
