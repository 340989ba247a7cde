/** What git-sync counts. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

export const gitSyncMetrics = {
  git_sync_count_total: {
    type: 'counter',
    help: 'Syncs by outcome: success (something new was published), noop, refused, error',
    bad: 'error or refused again and again; no success after a push',
    labels: ['status'],
  },
  git_sync_duration_seconds: {
    type: 'histogram',
    help: 'Duration of syncs, the gate included',
    bad: 'longer than the period',
    labels: ['status'],
    buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 120],
  },
  git_sync_fetch_count_total: { type: 'counter', help: 'Fetches', bad: 'no rise: it does not look any more' },
  git_sync_failures: { type: 'gauge', help: 'Failures in a row', bad: 'above 5: the version of before is served' },
  git_sync_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the ref was last seen and its commit was live or refused, since the epoch',
    bad: 'older than a few periods',
  },
  git_sync_live_info: {
    type: 'gauge',
    help: '1 for the commit that is published',
    bad: 'different commits in replicas of one application for minutes',
    labels: ['hash'],
  },
  git_sync_publications_total: {
    type: 'counter',
    help: 'Publications: new, rollback (verification failed), repair (the link was missing or wrong)',
    bad: 'rollback or repair',
    labels: ['reason'],
  },
  git_sync_refused: {
    type: 'gauge',
    help: '1 while the ref is at a commit that failed its gate or verification',
    bad: '1: the newest commit does not pass',
  },
  git_sync_gate_total: {
    type: 'counter',
    help: 'Runs of the gate',
    bad: 'refused: the commit does not pass',
    labels: ['result'],
  },
  git_sync_verifications_total: {
    type: 'counter',
    help: 'Verifications that ended',
    bad: 'unhealthy: it was taken back',
    labels: ['result'],
  },
  git_sync_notifications_total: {
    type: 'counter',
    help: 'Attempts to tell the application',
    bad: 'failed: the application may go on with the commit of before',
    labels: ['kind', 'result'],
  },
  git_sync_receives_total: {
    type: 'counter',
    help: 'Webhooks: accepted, ignored, unsigned, replayed, malformed, oversized, busy',
    bad: 'unsigned or replayed: somebody tries; busy: too many pushes',
    labels: ['result'],
  },
  git_sync_worktrees: {
    type: 'gauge',
    help: 'Versions on disk',
    bad: 'a rise that does not end: versions are not removed',
  },
  git_sync_recoveries_total: {
    type: 'counter',
    help: 'What a start or a sync had to put right',
    bad: 'a rise: syncs are killed, or the volume is changed by others',
    labels: ['what'],
  },
} as const satisfies MetricDeclarations;
