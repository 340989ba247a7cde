/** What the admission webhook takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';

export const contract = defineContract({
  name: 'webhook',
  version: '1.1.0',
  description: 'Puts sidecars into pods as a Kubernetes cluster creates them: a mutating admission webhook.',
  prefixes: ['WEBHOOK_'],
  adminPort: '9982',
  parameters: {
    WEBHOOK_PORT: { type: 'port', default: '8443', description: 'Port of the reviews, HTTPS' },
    WEBHOOK_SERVICE: {
      type: 'string',
      default: 'sidecar-stacks-webhook',
      pattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
      accepts: 'the name of a Service',
      description: 'Service by which the API server reaches it: the certificate is for this name',
    },
    WEBHOOK_CONFIGURATION: {
      type: 'string',
      default: 'sidecar-stacks',
      pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      accepts: 'the name of a MutatingWebhookConfiguration',
      description: 'The configuration whose caBundle it keeps',
    },
    WEBHOOK_SECRET: {
      type: 'string',
      default: 'sidecar-stacks-webhook',
      pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      accepts: 'the name of a Secret',
      description: 'The Secret in its own namespace where replicas share their certificate',
    },
    WEBHOOK_CERTIFICATE_LIFETIME: {
      type: 'duration',
      unit: 's',
      default: '720h',
      min: 10_000,
      max: 31_536_000_000,
      description: 'Lifetime of a certificate; it is renewed when a third of it is left',
    },
    WEBHOOK_REGISTRY: {
      type: 'string',
      pattern: /^[a-z0-9][a-z0-9.:/_-]*\/$/,
      accepts: 'a prefix of image names that ends with a slash',
      description: "Put before the names of the sidecars' images; without one they are never pulled",
    },
    WEBHOOK_STYLE: {
      type: 'enum',
      values: ['native', 'plain'],
      default: 'native',
      description: 'An init container with restartPolicy Always (Kubernetes 1.29), or an ordinary container',
    },
    WEBHOOK_API: {
      type: 'url',
      default: 'https://kubernetes.default.svc',
      description: "The cluster's API server",
    },
    WEBHOOK_ACCOUNT: {
      type: 'path',
      default: '/var/run/secrets/kubernetes.io/serviceaccount',
      description: "Folder of its service account's token, of the API server's authority and of its namespace's name",
    },
  },
  ports: { reviews: { parameter: 'WEBHOOK_PORT', description: 'AdmissionReview v1 by HTTPS' } },
  endpoints: {},
  metrics: {
    webhook_reviews_total: {
      type: 'counter',
      help: 'Reviews, by what came of them: injected, unchanged, skipped, refused (no review, or more than the bounds take)',
      bad: 'refused rises: what asks is no API server, or asks for too much',
      labels: ['outcome'],
    },
    webhook_review_seconds: {
      type: 'histogram',
      help: 'Time from the last byte of a review to its answer, in seconds',
      bad: 'one of a hundred takes more than 5 ms: pods start later',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1],
    },
    webhook_certificate_expires_timestamp_seconds: {
      type: 'gauge',
      help: 'When the certificate that is served ends, since the epoch; 0 while none is served',
      bad: 'less than a day ahead: it is not renewed',
    },
    webhook_events_dropped_total: {
      type: 'counter',
      help: 'Events about skipped pods that were not written: too many, or the API server refused them',
      bad: 'a rise: nobody is told of pods that were skipped',
    },
  },
  alerts: {
    WebhookCertificateEnds: {
      expr: 'webhook_certificate_expires_timestamp_seconds - time() < 86400',
      for: '15m',
      severity: 'warning',
      summary: 'The certificate of the admission webhook ends within a day and was not renewed.',
      runbook:
        'Read the reason at /readyz of the webhook: its account must be able to update its Secret and to patch its MutatingWebhookConfiguration. While the certificate has ended, pods start without sidecars.',
    },
  },
});
