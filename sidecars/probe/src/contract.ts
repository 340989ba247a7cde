/** The probe sidecar's contract: what it takes, serves, counts and answers with. */
import { defineContract } from '#kit/contract/contract.ts';
import { alerts } from './alerts.ts';

/** A bound in milliseconds that Node's timers can count to. */
const DAY = 86_400_000;

export const contract = defineContract({
  name: 'probe',
  version: '1.4.0',
  description:
    'Liveness for the containers of a pod: probes each, and has one that hangs restarted alone, through the shared pid namespace.',
  prefixes: ['PROBE_'],
  adminPort: '9931',
  deploy: { sharesProcesses: true, example: { PROBE_TARGET: 'app.mjs', PROBE_CHECK: 'http://127.0.0.1:8080/' } },
  parameters: {
    PROBE_TARGETS: {
      type: 'string',
      multiline: true,
      accepts: "a YAML list of containers with Kubernetes' fields: name, process, livenessProbe, startupProbe",
      description: 'The containers to watch, each with its livenessProbe, and a startupProbe where it starts slowly',
    },
    PROBE_TARGETS_FILE: { type: 'path', description: 'File that holds them instead' },
    PROBE_TARGET: {
      type: 'string',
      pattern: /^[\w.@+-]+$/,
      accepts: 'the name of a process, such as nginx or app.py',
      description: 'The one container to watch, without a document: the one that runs this process',
    },
    PROBE_CHECK: {
      type: 'string',
      default: 'process',
      pattern: /^process(:[\w.@+-]+)?$|^https?:\/\/\S+$|^tcp:\/\/\S+:\d+$/,
      accepts: 'http://HOST:PORT/PATH, tcp://HOST:PORT, process, or process:NAME',
      description: 'How PROBE_TARGET is probed',
    },
    PROBE_INITIAL_DELAY: {
      type: 'duration',
      unit: 's',
      default: '0s',
      max: DAY,
      description: "initialDelaySeconds where a target names none: from its container's start to its first probe",
    },
    PROBE_PERIOD: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 100,
      max: DAY,
      description: 'periodSeconds where a target names none: from the start of one probe to the next',
    },
    PROBE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '1s',
      min: 10,
      max: DAY,
      description: 'timeoutSeconds where a target names none',
    },
    PROBE_FAILURE_THRESHOLD: {
      type: 'integer',
      default: '3',
      min: 1,
      max: 1000,
      description: 'failureThreshold where a target names none: failures in a row until it is restarted',
    },
    PROBE_STARTUP_FAILURE_THRESHOLD: {
      type: 'integer',
      default: '0',
      min: 0,
      max: 1000,
      description:
        'How often PROBE_CHECK may fail before it has succeeded once in a life of PROBE_TARGET, as a startupProbe would; 0 for none',
    },
    PROBE_GRACE_PERIOD: {
      type: 'duration',
      unit: 's',
      default: '30s',
      max: DAY,
      description: 'terminationGracePeriodSeconds where a target names none: from TERM to KILL',
    },
    PROBE_BACKOFF_INITIAL: {
      type: 'duration',
      unit: 's',
      default: '10s',
      max: DAY,
      description: 'Least time from the first restart of a target to the second; it doubles from there',
    },
    PROBE_BACKOFF_MAX: {
      type: 'duration',
      unit: 's',
      default: '5m',
      max: DAY,
      description: 'Where it stops doubling',
    },
    PROBE_BACKOFF_RESET: {
      type: 'duration',
      unit: 's',
      default: '10m',
      max: DAY,
      description: 'How long a target is healthy without a break until its back-off begins anew',
    },
    PROBE_RESTART_BUDGET: {
      type: 'integer',
      default: '10',
      min: 0,
      max: 10_000,
      description:
        'Most restarts of a target within PROBE_RESTART_WINDOW; after that it is left alone, and /readyz says so',
    },
    PROBE_RESTART_WINDOW: {
      type: 'duration',
      unit: 's',
      default: '1h',
      min: 1000,
      max: DAY,
      description: 'The time that the budget is for',
    },
  },
  ports: {},
  endpoints: { '/targets': 'every target as JSON: state, last probe, restarts, budget' },
  paths: { PROBE_TARGETS_FILE: 'read once, at the start' },
  alerts,
  metrics: {
    probe_checks_total: {
      type: 'counter',
      help: 'Probes of a target by result: success, failure, or starting when it has not started yet',
      bad: 'failure for more than a moment',
      labels: ['target', 'result'],
    },
    probe_duration_seconds: {
      type: 'histogram',
      help: 'How long a probe took, in seconds',
      bad: 'near the probe’s timeout',
      labels: ['target'],
      buckets: [0.005, 0.05, 0.5, 5],
    },
    probe_target_up: { type: 'gauge', help: '1 while the last probe succeeded', bad: '0', labels: ['target'] },
    probe_target_present: {
      type: 'gauge',
      help: '1 while the container runs',
      bad: '0 for longer than a restart takes',
      labels: ['target'],
    },
    probe_failures_in_a_row: {
      type: 'gauge',
      help: 'Failures since the last success',
      bad: 'near the threshold of a restart',
      labels: ['target'],
    },
    probe_restarts_total: {
      type: 'counter',
      help: 'Containers that were told to stop, by what ended them: term, kill, or stuck when nothing did',
      bad: 'any: the application hung; stuck: it could not be ended',
      labels: ['target', 'by'],
    },
    probe_restarts_withheld_total: {
      type: 'counter',
      help: 'Failed targets that were left running, by reason: backoff, budget, denied',
      bad: 'budget or denied: a failed application stays as it is',
      labels: ['target', 'reason'],
    },
    probe_restart_budget_left: {
      type: 'gauge',
      help: 'Restarts that the budget still allows',
      bad: '0',
      labels: ['target'],
    },
  },
});
