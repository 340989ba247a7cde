/** The delivery's parameters: the store, how it is spoken to, and what waits for it. */
import type { Parameters } from '#kit/contract/parameters.ts';

const DAY = 86_400_000;
const GIBIBYTE = 1024 ** 3;

export const deliveryParameters = {
  STORE_URL: {
    type: 'list',
    required: true,
    pattern: /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/,
    accepts: 'a comma-separated list of http:// or https:// URLs without user, query and fragment',
    description: 'Base URLs of the store, `/_bulk` is added; several are used in turn, one that fails is left alone',
  },
  STORE_QUERY: {
    type: 'string',
    pattern: /^[^\s?#]+$/,
    accepts: 'a query string without the question mark',
    description:
      'Added to the URL of every request: `pipeline=NAME`, or what VictoriaLogs wants to know, `_time_field=@timestamp&_msg_field=message&_stream_fields=service.name`',
  },
  STORE_INDEX: {
    type: 'string',
    default: 'logs-sidecar-default',
    pattern: /^(?![-_+.])(?:[a-z0-9_.+-]|\{date\})+$/,
    accepts: 'a data stream or index in lower case; {date} stands for the day of the line, 2026.11.21, in UTC',
    description: 'Where a line is stored that names no index itself: a data stream, or an index by pattern',
  },
  STORE_TEMPLATE: {
    type: 'enum',
    values: ['none', 'create'],
    default: 'none',
    description:
      'Whether an index template is made for STORE_INDEX where the store has none of that name, `log-shipper-INDEX`: a data stream, or with {date} plain indices; times to the nanosecond. OpenSearch needs one for data streams',
  },
  STORE_USER: { type: 'string', description: 'User of basic authentication, with STORE_PASSWORD_FILE' },
  STORE_PASSWORD_FILE: {
    type: 'path',
    description: 'File that holds the password of basic authentication; read again when it changes',
  },
  STORE_API_KEY_FILE: {
    type: 'path',
    description: 'File that holds an API key as the store encodes it; read again when it changes',
  },
  STORE_BEARER_FILE: { type: 'path', description: 'File that holds a bearer token; read again when it changes' },
  STORE_CA_FILE: {
    type: 'path',
    description: "File of the authorities that sign the store's certificate, instead of the usual ones",
  },
  STORE_CERT_FILE: {
    type: 'path',
    description:
      "File of the sidecar's own certificate with its chain, for a store that asks for one; with STORE_KEY_FILE",
  },
  STORE_KEY_FILE: { type: 'path', description: 'File of its key; both are read again when they change' },
  STORE_GZIP: {
    type: 'boolean',
    default: 'false',
    description: 'Compress requests: fewer bytes for more processor time',
  },
  STORE_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '60s',
    min: 100,
    max: DAY,
    description: 'How long a request may take to its last byte; it is then sent again',
  },
  STORE_RETRY_MAX: {
    type: 'duration',
    unit: 's',
    default: '30s',
    min: 10,
    max: DAY,
    description:
      'Longest wait between two attempts, which go on for ever; also the longest Retry-After that is honoured',
  },
  STORE_ACK_MAX_AGE: {
    type: 'duration',
    unit: 's',
    default: '30s',
    min: 100,
    max: DAY,
    description: 'Unready when lines wait and the last acknowledgement is older',
  },

  BULK_MAX_BYTES: {
    type: 'size',
    unit: 'bytes',
    default: '1MiB',
    min: 1024,
    max: 100 * 1024 ** 2,
    description: 'Lines of one request, a larger line goes alone; made smaller when the store answers 413',
  },
  BULK_MAX_RECORDS: {
    type: 'integer',
    default: '5000',
    min: 1,
    max: 100_000,
    description: 'Lines of one request at most; also the most that a killed shipper sends again',
  },
  BULK_DELAY: {
    type: 'duration',
    unit: 'ms',
    default: '200ms',
    max: DAY,
    description: 'How long a line may wait for others to share its request, while another request is under way',
  },
  BULK_CONCURRENCY: {
    type: 'integer',
    default: '2',
    min: 1,
    max: 32,
    description: 'Requests at a time; lines of one source are never in two',
  },
  QUEUE_MAX_BYTES: {
    type: 'size',
    unit: 'bytes',
    default: '4MiB',
    min: 1024,
    max: 16 * 1024 ** 2,
    description: 'Lines in memory, those in requests too; inputs wait when it is full',
  },
  QUEUE_MAX_RECORDS: {
    type: 'integer',
    default: '50000',
    min: 1,
    max: 10_000_000,
    description: 'The same by number',
  },

  DEAD_LETTER_DIR: {
    type: 'path',
    default: '/var/lib/log-shipper/dead',
    description: 'Where lines go that the store refuses, with its reason; `log-shipper replay` sends them again',
  },
  DEAD_LETTER_MAX_BYTES: {
    type: 'size',
    unit: 'bytes',
    default: '64MiB',
    min: 64 * 1024,
    max: 1024 * GIBIBYTE,
    description: 'Most that is kept there; then the oldest go, counted as dropped',
  },

  SPOOL_DIR: {
    type: 'path',
    default: '/var/lib/log-shipper/spool',
    description: 'Where lines of inputs that cannot wait are kept until the store has them',
  },
  SPOOL_MAX_BYTES: {
    type: 'size',
    unit: 'bytes',
    default: '256MiB',
    min: 64 * 1024,
    max: 1024 * GIBIBYTE,
    description: 'Most that is kept there',
  },
  SPOOL_POLICY: {
    type: 'enum',
    values: ['block', 'drop-oldest'],
    default: 'block',
    description: 'A full spool, or a full disk: take no more in, or drop the oldest lines, counted',
  },
} as const satisfies Parameters;
