/** The ambassador sidecar's contract: what it takes, serves and counts. */
import { defineContract } from '#kit/contract.ts';

export const contract = defineContract({
  name: 'ambassador',
  version: '0.1.0',
  description: 'Says that it is there, again and again.',
  prefixes: ['AMBASSADOR_'],
  adminPort: '9991',
  ports: {},
  parameters: {
    AMBASSADOR_PERIOD: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 10,
      max: 86_400_000,
      description: 'From one time to the next',
    },
  },
  metrics: {
    ambassador_times_total: { type: 'counter', help: 'How often it said so' },
  },
});
