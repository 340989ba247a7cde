/** The topz sidecar's contract: what it takes, serves, counts and answers with. */
import { defineContract } from '#kit/contract/contract.ts';

const GROUP = ['groupname', 'container'] as const;

const PORT = /(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])/;
const NAME = /[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/;
/** As Go's net.Listen has it, whose form Kubernetes' topz takes. */
const ADDRESS = new RegExp(String.raw`^(?:\[[0-9a-fA-F:.]+\]|${NAME.source})?:${PORT.source}$`);

export const contract = defineContract({
  name: 'topz',
  version: '2.3.0',
  description:
    'Shows the processes of any container whose pid namespace it shares: as a page, as text, as JSON, as metrics.',
  prefixes: ['TOPZ_'],
  adminPort: '9921',
  deploy: { sharesProcesses: true, example: { TOPZ_ADDRESS: '127.0.0.1:8081' } },
  parameters: {
    TOPZ_ADDRESS: {
      type: 'string',
      default: '0.0.0.0:8080',
      pattern: ADDRESS,
      accepts:
        'ADDRESS:PORT or NAME:PORT, such as 0.0.0.0:8080, localhost:8080, [::]:8080 or :8080, with a port up to 65535',
      description: 'Address and port of the page; also `--addr`, as in Kubernetes',
    },
    TOPZ_HOSTS: {
      type: 'list',
      pattern: /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/,
      accepts: 'names of hosts, without ports',
      description:
        'Names by which the page may be asked for besides addresses and localhost, such as its service in compose',
    },
    TOPZ_NAMES: {
      type: 'list',
      pattern: /^[0-9a-f]{12,64}=[\w.-]{1,63}$/,
      accepts: 'ID=NAME for containers, with 12 or more digits of the id',
      description: 'Names of containers, which /proc does not tell; `npm run topz` gives those that the engine knows',
    },
    TOPZ_SAMPLE_PERIOD: {
      type: 'duration',
      unit: 's',
      default: '5s',
      min: 0,
      max: 3_600_000,
      description:
        'Time between two samples of the plots; 0 takes none, and processes are looked at only when somebody asks',
    },
    TOPZ_HISTORY: {
      type: 'duration',
      unit: 's',
      default: '10m',
      min: 10_000,
      max: 86_400_000,
      description: 'How far back the plots go',
    },
    TOPZ_MASK: {
      type: 'boolean',
      default: 'true',
      description: 'Hides passwords and tokens in command lines',
    },
    TOPZ_MASK_PATTERN: {
      type: 'string',
      accepts: 'a regular expression in JavaScript syntax',
      description: 'What it matches in a command line is hidden, too',
    },
    TOPZ_MAX_PROCESSES: {
      type: 'integer',
      default: '2000',
      min: 1,
      max: 100_000,
      description: 'Most processes that are looked at; those with the highest ids are left out, and counted',
    },
    TOPZ_MAX_CONTAINERS: {
      type: 'integer',
      default: '64',
      min: 1,
      max: 1000,
      description: 'Most containers that are told apart; the rest is summed up as `other`',
    },
  },
  ports: { page: { parameter: 'TOPZ_ADDRESS', description: '/topz, and /metrics once more' } },
  endpoints: {
    '/metrics': "Prometheus text format; the page's port answers it, too",
  },
  metrics: {
    namedprocess_namegroup_num_procs: {
      type: 'gauge',
      help: 'Processes of a container',
      bad: 'a rise that does not end',
      labels: GROUP,
    },
    namedprocess_namegroup_cpu_seconds_total: {
      type: 'counter',
      help: 'Processor time of a container since it was first seen, in seconds; a process that came and went between two looks is not in it',
      bad: 'at the container’s CPU limit for minutes',
      labels: [...GROUP, 'mode'],
    },
    namedprocess_namegroup_memory_bytes: {
      type: 'gauge',
      help: 'Memory of a container, in bytes; pages that processes share count for each',
      bad: 'near the container’s memory limit',
      labels: [...GROUP, 'memtype'],
    },
    namedprocess_namegroup_num_threads: {
      type: 'gauge',
      help: 'Threads of a container',
      bad: 'a rise that does not end',
      labels: GROUP,
    },
    namedprocess_namegroup_open_filedesc: {
      type: 'gauge',
      help: 'Open file descriptors of a container, of those processes that may be asked',
      bad: 'a rise that does not end: descriptors leak',
      labels: GROUP,
    },
    namedprocess_namegroup_oldest_start_time_seconds: {
      type: 'gauge',
      help: "Start of a container's first process, since the epoch",
      bad: 'again and again a new one: the container restarts',
      labels: GROUP,
    },
    namedprocess_namegroup_restarts_total: {
      type: 'counter',
      help: "How often another process was seen in the place of a container's first one",
      bad: 'any rise that nobody asked for',
      labels: GROUP,
    },
    topz_scan_duration_seconds: {
      type: 'histogram',
      help: 'Time that one look at all processes took',
      bad: 'near the interval between two looks',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    },
    topz_processes_vanished_total: {
      type: 'counter',
      help: 'Processes that ended while they were looked at',
      bad: 'many a second: something starts processes in a loop',
    },
    topz_processes_omitted: {
      type: 'gauge',
      help: 'Processes beyond TOPZ_MAX_PROCESSES',
      bad: 'above 0: not all processes are shown',
    },
  },
});
