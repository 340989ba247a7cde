/** The inputs' parameters: which files, which port, and what is done with lines. */
import type { Parameters } from '#kit/contract/parameters.ts';
import { otlpParameters, syslogParameters } from './senders/parameters.ts';

const DAY = 86_400_000;
const MEBIBYTE = 1024 ** 2;

export const inputParameters = {
  FILE_PATHS: {
    type: 'list',
    pattern: /^\/\S+$/,
    accepts: 'a comma-separated list of absolute paths; * ? [a-z] match within a name, /**/ any directories',
    description:
      'Files to ship. Name rotated files too (`/logs/app.log*`): what was not read when a file was rotated is read there',
  },
  FILE_EXCLUDE: {
    type: 'list',
    default: '*.gz,*.bz2,*.xz,*.zst',
    pattern: /^[^/]+$/,
    accepts: 'a comma-separated list of patterns of names',
    description: 'File names that are left out; compressed files are left out under any name',
  },
  FILE_POLL_INTERVAL: {
    type: 'duration',
    unit: 'ms',
    default: '250ms',
    min: 10,
    max: DAY,
    description:
      'How often files are looked at at least that changed within 10 s; up to 250 of them are more often, one alone every 40 ms',
  },
  FILE_SCAN_INTERVAL: {
    type: 'duration',
    unit: 's',
    default: '1s',
    min: 50,
    max: DAY,
    description: 'How often directories are listed and all files are looked at',
  },
  FILE_MAX_OPEN: {
    type: 'integer',
    default: '256',
    min: 2,
    max: 65_536,
    description: 'Files held open; of more, those read longest ago are closed and opened again when they change',
  },
  FILE_PARTIAL_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '1m',
    max: DAY,
    description: 'How long a last line without a newline waits to be completed; 0 waits for ever',
  },
  FILE_CLOSE_AFTER: {
    type: 'duration',
    unit: 's',
    default: '10s',
    max: DAY,
    description: 'A file that was deleted or renamed out of sight is let go when it was read and quiet for this long',
  },
  FILE_FORMAT: {
    type: 'enum',
    values: ['lines', 'docker', 'cri'],
    default: 'lines',
    description:
      "What files hold: an application's lines; or its output as Docker's `json-file` driver or a container runtime of Kubernetes (CRI) wraps it, whose pieces of long lines are joined",
  },
  FILE_ENCODING: {
    type: 'enum',
    values: ['auto', 'latin1', 'utf-16le', 'utf-16be'],
    default: 'auto',
    description:
      'What bytes mean: UTF-16 where a file begins with its byte order mark, else UTF-8; or ISO 8859-1; or UTF-16 without a mark too, of that byte order',
  },
  FILE_START: {
    type: 'enum',
    values: ['beginning', 'end'],
    default: 'beginning',
    description: 'Where files are read from that are there when nothing is known yet; later ones from their beginning',
  },
  FILE_IGNORE_OLDER: {
    type: 'duration',
    unit: 's',
    default: '0',
    max: 3650 * DAY,
    description:
      'Files that are not known and have not changed for longer are left out until they change, and are then read whole; 0 leaves none out',
  },
  FILE_DELETED_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '1h',
    max: 7 * DAY,
    description: 'A deleted file that could not be read to its end, as while the store is down, is let go after this',
  },

  FORWARD_PORT: { type: 'port', description: "Port for Docker's `fluentd` logging driver; 24224 is usual" },
  FORWARD_ADDRESS: {
    type: 'string',
    default: '0.0.0.0',
    pattern: /^[0-9a-fA-F.:]+$/,
    accepts: 'an IP address',
    description: 'Address to listen on; a published port reaches the pod by its own address, not by loopback',
  },
  FORWARD_MAX_MESSAGE: {
    type: 'size',
    unit: 'bytes',
    default: '1MiB',
    min: 64 * 1024,
    max: 64 * MEBIBYTE,
    description: 'Largest message; the connection of a larger one is cut',
  },
  FORWARD_MAX_CONNECTIONS: {
    type: 'integer',
    default: '32',
    min: 1,
    max: 1024,
    description:
      'Connections at a time; each container has one. When all are taken, a newcomer ends a silent one: of an address that has more, or silent for a minute; of an address that has more than half of all, also one that talks',
  },
  FORWARD_TLS_CERT_FILE: {
    type: 'path',
    description:
      'File of the certificate with its chain, in PEM: senders must speak TLS then; looked at again for each connection. With FORWARD_TLS_KEY_FILE',
  },
  FORWARD_TLS_KEY_FILE: { type: 'path', description: 'File of its key, in PEM, without a passphrase' },
  FORWARD_TLS_CLIENT_CA_FILE: {
    type: 'path',
    description: 'File of authorities, in PEM: senders must have a certificate that one of them signed',
  },
  FORWARD_SHARED_KEY: {
    type: 'string',
    secret: true,
    description:
      "Key that senders must show that they know, by the protocol's handshake; the `fluentd` logging driver cannot. Read at start",
  },
  FORWARD_USERS_FILE: {
    type: 'path',
    description:
      'File of lines user:password: a sender must be one of them, too, and show that it knows the password. With FORWARD_SHARED_KEY. Read at start',
  },

  ...otlpParameters,
  ...syslogParameters,

  LINE_MAX_BYTES: {
    type: 'size',
    unit: 'bytes',
    default: '128KiB',
    min: 1024,
    max: 2 * MEBIBYTE,
    description: 'A longer line, or event of several lines, is cut there and marked',
  },
  LINE_TIME: {
    type: 'enum',
    values: ['detect', 'read'],
    default: 'detect',
    description:
      '`@timestamp` of a line of text: the time that it begins with, or that an access log has in brackets, else when it was read; a time without a zone is of `TZ`, or UTC',
  },
  LINE_TIME_PATTERN: {
    type: 'string',
    pattern: /^[^\p{Cc}]{2,100}$/u,
    accepts: 'words %Y %m %d %e %b %H %M %S %f %z %s and %%, with what stands between them',
    description:
      'How lines of text write their time, in their first 200 characters; those that do not are treated as LINE_TIME says',
  },
  LINE_DROP: {
    type: 'string',
    accepts: 'a regular expression without backreferences and lookahead',
    description: 'Lines that match are not shipped',
  },
  LINE_REDACT: {
    type: 'string',
    accepts: 'a regular expression without backreferences and lookahead',
    description: 'What matches is replaced before a line leaves the pod',
  },
  LINE_REDACT_WITH: {
    type: 'string',
    default: '[redacted]',
    description: 'What stands there instead; $1 is what the first group matched',
  },
  MULTILINE_START: {
    type: 'string',
    accepts: 'a regular expression without backreferences and lookahead',
    description: 'Matches the first line of an event; lines that do not match belong to the one before',
  },
  MULTILINE_TIMEOUT: {
    type: 'duration',
    unit: 's',
    default: '2s',
    min: 10,
    max: DAY,
    description:
      'How long an event waits for a next line before it counts as complete; also pieces of a long line of a container',
  },

  SERVICE_NAME: { type: 'string', description: '`service.name` of every line' },
  LABELS: {
    type: 'list',
    pattern: /^[A-Za-z_][\w-]*=.*$/,
    accepts: 'a comma-separated list of name=value',
    description: '`labels.NAME` of every line',
  },
  PIPELINES_FILE: {
    type: 'path',
    description:
      'YAML file that says how the lines of some of the files are treated: service, format, multiline start, rules, index; read at start',
  },
  STATE_DIR: {
    type: 'path',
    default: '/var/lib/log-shipper',
    description: 'Where it is noted how far each file was shipped; belongs on a volume',
  },
} as const satisfies Parameters;
