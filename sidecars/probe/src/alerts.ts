/** What should be looked at by a person. */
import type { Alerts } from '#kit/contract/alerts.ts';

export const alerts: Alerts = {
  ProbeTargetDown: {
    expr: 'probe_target_up == 0',
    for: '5m',
    severity: 'critical',
    summary: '{{ $labels.target }} fails its probe for five minutes.',
    runbook: 'Restarts have not helped, or none were allowed: see probe_restarts_withheld_total. Look at its log.',
  },
  ProbeBudgetSpent: {
    expr: 'probe_restart_budget_left == 0',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.target }} was restarted as often as its budget allows; it is left as it is.',
    runbook: 'Find out why it hangs before the budget is raised: topz shows what it does.',
  },
  ProbeTargetRestarted: {
    expr: 'increase(probe_restarts_total[15m]) > 0',
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.target }} hung and was ended ({{ $labels.by }}), so that it starts again.',
    runbook: 'Look at its log before the restart; by="stuck" means that it could not be ended.',
  },
};
