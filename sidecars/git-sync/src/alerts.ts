/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';

export const alerts: Alerts = {
  GitSyncFails: {
    expr: 'git_sync_failures > 5',
    for: '5m',
    severity: 'warning',
    summary: 'More than five syncs in a row have failed; the version of before is served.',
    runbook:
      'The log has the last error with advice: a server that is down, a password, a host key. GET /status of the admin port shows the same.',
  },
  GitSyncRefused: {
    expr: 'git_sync_refused == 1',
    for: '1h',
    severity: 'warning',
    summary: 'For an hour the branch is at a commit that its gate or verification refuses.',
    runbook: 'GET /status says what was found. Push a commit that passes, or move the branch back.',
  },
};
