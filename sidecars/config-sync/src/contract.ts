/** What the config sidecar takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';
import { alerts } from './alerts.ts';

const DAY = 86_400_000;

export const contract = defineContract({
  name: 'config-sync',
  version: '2.4.1',
  description:
    'Dynamic configuration for an application that only reads a file: watches a config server or etcd, validates, replaces the file in one step, tells the application, makes sure that it took it, and goes back when it did not.',
  prefixes: ['CONFIG_'],
  adminPort: '9911',
  deploy: { volumes: { state: '/var/lib/config-sync' }, sharesProcesses: true },
  parameters: {
    CONFIG_SOURCE: {
      type: 'enum',
      values: ['http', 'etcd'],
      default: 'http',
      description: 'Where documents come from: the config server, or the JSON gateway of etcd v3',
    },
    CONFIG_URL: { type: 'url', required: true, description: 'Base URL of the config server or of etcd' },
    CONFIG_TOKEN: { type: 'string', secret: true, description: 'Bearer token for the config server' },
    CONFIG_USER: { type: 'string', description: 'User of etcd, when it has authentication' },
    CONFIG_PASSWORD: { type: 'string', secret: true, description: 'Password of the etcd user' },
    CONFIG_CA: { type: 'path', description: 'CA file that an https:// source is checked with' },

    CONFIG_FILES: {
      type: 'list',
      pattern: /^[^=\s]+=\/\S+$/,
      accepts: 'a comma-separated list of KEY=/path',
      description: 'Which document goes to which file; the parameters below hold for each of them',
    },
    CONFIG_SPEC: {
      type: 'path',
      description:
        'YAML or JSON file that lists further files: with settings of their own, or made of several documents by a template',
    },
    CONFIG_FILE_MODE: {
      type: 'string',
      default: '0644',
      pattern: /^0?[0-7]{3}$/,
      accepts: 'an octal mode such as 0640',
      description: 'Mode of a file that was not there before; one that was keeps its mode and owner',
    },
    CONFIG_STATE_DIR: {
      type: 'path',
      default: '/var/lib/config-sync',
      description: 'Where the last good versions and the journal are kept; a volume of its own or a directory on one',
    },
    CONFIG_MAX_SIZE: {
      type: 'size',
      unit: 'bytes',
      default: '1MiB',
      min: 1,
      max: 64 * 1024 * 1024,
      description: 'Largest document that is taken',
    },

    CONFIG_FORMAT: {
      type: 'enum',
      values: ['auto', 'text', 'json', 'yaml', 'ini', 'toml', 'properties'],
      default: 'auto',
      description: 'Syntax that a document must have; auto goes by the suffix of the file, text takes anything',
    },
    CONFIG_SCHEMA: { type: 'path', description: 'JSON Schema file that a document must satisfy, whatever its syntax' },
    CONFIG_CHECK: {
      type: 'string',
      accepts: 'a program with arguments (no shell), {} stands for the staged file',
      description: 'Command that must exit with 0 before a document is published',
    },
    CONFIG_CHECK_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 10,
      max: DAY,
      description: 'How long validation may take: syntax and schema, a template, and the check',
    },

    CONFIG_COMMAND_ENV: {
      type: 'list',
      pattern: /^[A-Za-z_][A-Za-z0-9_]*(=.*)?$/s,
      accepts: "a comma-separated list of NAME=VALUE, or NAME for the sidecar's own",
      description:
        'What the commands of CONFIG_CHECK and CONFIG_NOTIFY find in their environment beside PATH, HOME, LANG and TZ',
    },
    CONFIG_NOTIFY: {
      type: 'string',
      accepts: 'signal:HUP@PROCESS, http:POST URL, terminate, terminate@PROCESS or command:PROGRAM ARGUMENTS',
      description: 'How the application is told of a new file; not set, it is not told',
    },
    CONFIG_NOTIFY_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '5s',
      min: 10,
      max: DAY,
      description: 'How long telling it may take',
    },
    CONFIG_VERIFY: {
      type: 'string',
      accepts: 'shows:URL, shows:/path, healthy:URL or healthy:tcp:HOST:PORT',
      description:
        'How it is known that the application took the file: an answer or a file of its shows what CONFIG_VERIFY_EXPECT says, or it is healthy; not set, nothing is verified or rolled back',
    },
    CONFIG_VERIFY_EXPECT: {
      type: 'string',
      accepts: 'a text in which {version} and {digest} are replaced, or /PATTERN/FLAGS with one group',
      description:
        'What shows: must find, as a whole word; not set, {version}; the group of a pattern is taken from the document, so /^release=(.+)$/m waits for the value of its release',
    },
    CONFIG_VERIFY_FOR: {
      type: 'duration',
      unit: 's',
      min: 0,
      max: DAY,
      description: 'How long it must hold without a break; not set, 2s for healthy: and once is enough for shows:',
    },
    CONFIG_VERIFY_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 10,
      max: DAY,
      description: 'How long the application may take to show it, before it is rolled back',
    },
    CONFIG_START_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      min: 10,
      max: DAY,
      description:
        'How long an application that was not up when its file changed may take to come up; then the last good version is put back, and the new one is tried again once it is up',
    },

    UPDATE_FREQUENCY: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 100,
      max: DAY,
      description:
        'Period of polling, which goes on beside the watch: it finds what a dead watch misses, and is what readiness counts',
    },
    CONFIG_MAX_AGE: {
      type: 'duration',
      unit: 's',
      default: '30s',
      min: 100,
      max: DAY,
      description: 'When nothing was verified against the source for longer than this, /readyz turns 503',
    },
    CONFIG_MIN_INTERVAL: {
      type: 'duration',
      unit: 'ms',
      default: '250ms',
      min: 0,
      max: DAY,
      description:
        'Least time between two changes of a file while versions come faster than they are applied; a version that comes alone is applied at once',
    },
    CONFIG_REQUEST_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '5s',
      min: 10,
      max: DAY,
      description: 'How long one answer of the source may take',
    },
    CONFIG_RETRY_MAX: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 10,
      max: DAY,
      description: 'Longest pause between two tries; the first is 100 ms, they double, and each is jittered',
    },
    CONFIG_REPORT_AS: {
      type: 'string',
      description: 'Name under which this sidecar reports to the config server; not set, the name of the host',
    },

    CONFIG_ONE_TIME: {
      type: 'boolean',
      default: 'false',
      description:
        'Put every file in place once and exit, as an init container: from the source, or from the last good version when the source is away',
    },
    CONFIG_ONE_TIME_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      min: 100,
      max: DAY,
      description: 'How long one-time mode may try before it gives up',
    },
  },
  ports: {},
  endpoints: {
    '/startupz':
      'every file is in place and valid, whether or not the application is up: 200 or 503; for the health check of a container that starts before its application',
    '/status': 'JSON: for each file what the source has, what is in place, and why the last version was refused',
  },
  paths: {
    CONFIG_STATE_DIR: 'the journal and the last good version of each file; kept across restarts',
  },
  exitCodes: {
    69: 'one-time mode: a file could not be put in place in time',
  },
  alerts,
  metrics: {
    config_versions_seen_total: {
      type: 'counter',
      help: 'Versions that the source told of',
      bad: 'nothing by itself',
      labels: ['file'],
    },
    config_versions_total: {
      type: 'counter',
      help: 'Versions by what became of them: applied, rejected, rolled_back, superseded',
      bad: 'rejected or rolled_back',
      labels: ['file', 'result'],
    },
    config_cycle_duration_seconds: {
      type: 'histogram',
      help: 'From a version in hand to its end, verified or rolled back',
      bad: 'near the timeouts of the notification or of the verification',
      labels: ['result'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    },
    config_in_sync: {
      type: 'gauge',
      help: '1 while the file holds, verified, what the source has',
      bad: '0 for longer than one cycle',
      labels: ['file'],
    },
    config_last_verified_timestamp_seconds: {
      type: 'gauge',
      help: 'When the source last confirmed what it has, since the epoch',
      bad: 'older than a few intervals: the source is not reached',
    },
    config_notify_failures_total: {
      type: 'counter',
      help: 'Times the application could not be told',
      bad: 'any: the application runs on the file of before',
      labels: ['file'],
    },
    config_drift_repairs_total: {
      type: 'counter',
      help: 'Times a file was found changed or gone and put back',
      bad: 'a rise: somebody else writes the file',
      labels: ['file'],
    },
    config_state_damaged_total: {
      type: 'counter',
      help: 'Journals that could not be used at a start and were set aside, and copies of good versions that were lost',
      bad: 'any: there may be no version to go back to until the next one is verified',
      labels: ['kind'],
      known: { kind: ['journal', 'copy'] },
    },
    config_storage_errors_total: {
      type: 'counter',
      help: 'Failed writes of files and state',
      bad: 'any: the disk is full, read-only or broken',
      labels: ['reason'],
      known: {
        // Those that the log has a sentence for.
        reason: [
          'EACCES',
          'EBUSY',
          'EDQUOT',
          'EIO',
          'EISDIR',
          'ENOENT',
          'ENOSPC',
          'ENOTDIR',
          'EPERM',
          'EROFS',
          'EXDEV',
        ],
      },
    },
    config_source_errors_total: {
      type: 'counter',
      help: 'Failed requests to the source',
      bad: 'a rate that lasts',
      labels: ['reason'],
    },
    config_source_connected: {
      type: 'gauge',
      help: '1 while the watch is open',
      bad: '0 for minutes where the source is watched',
    },
    config_reports_pending: {
      type: 'gauge',
      help: 'Reports that the config server has not taken yet',
      bad: 'a rise that does not end',
    },
    config_reports_dropped_total: {
      type: 'counter',
      help: 'Reports that were given up',
      bad: 'any: the config server does not know what runs here',
      labels: ['reason'],
      known: { reason: ['full', 'refused'] },
    },
  },
});
