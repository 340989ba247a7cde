/** The admission webhook's program. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runSidecar } from '#kit/life/sidecar.ts';
import { Keeper } from './certificate/keeper.ts';
import { Api } from './cluster/api.ts';
import { Events } from './cluster/events.ts';
import { contract } from './contract.ts';
import { Reviewer } from './review/reviewer.ts';
import { ReviewServer } from './server.ts';

await runSidecar(contract, async ({ parameters, log, metrics, readiness, shutdown }) => {
  const api = new Api(new URL(parameters.WEBHOOK_API), parameters.WEBHOOK_ACCOUNT);
  const events = new Events({
    api,
    onDropped(err) {
      metrics.webhook_events_dropped_total.inc();
      if (err !== undefined) log.warn({ err }, 'an event was not written');
    },
  });
  const reviewer = new Reviewer({
    container: { style: parameters.WEBHOOK_STYLE, registry: parameters.WEBHOOK_REGISTRY ?? '' },
    onReviewed: (outcome, seconds) => {
      metrics.webhook_reviews_total.inc({ outcome });
      metrics.webhook_review_seconds.observe(seconds);
    },
    onSkipped(pod, message) {
      log.info({ namespace: pod.namespace, pod: pod.name, owner: pod.owner?.name, reason: message }, 'skipped');
      events.skipped(pod, message);
    },
  });
  const server = new ReviewServer({
    port: parameters.WEBHOOK_PORT,
    review: (path, body) => reviewer.review(path, body),
    onRefused: () => metrics.webhook_reviews_total.inc({ outcome: 'refused' }),
  });
  const service = parameters.WEBHOOK_SERVICE;
  const keeper = new Keeper({
    api,
    secret: parameters.WEBHOOK_SECRET,
    configuration: parameters.WEBHOOK_CONFIGURATION,
    names: [`${service}.${api.namespace}.svc`, `${service}.${api.namespace}.svc.cluster.local`],
    lifetime: parameters.WEBHOOK_CERTIFICATE_LIFETIME,
    onDamaged: () => log.error({ secret: parameters.WEBHOOK_SECRET }, 'the Secret cannot be read and is made anew'),
    onRenewed: ({ notAfter }) => log.info({ until: new Date(notAfter).toISOString() }, 'made a certificate'),
  });
  const certificate = readiness.check('certificate');
  await server.listen();
  const ended = new AbortController();
  shutdown.step('certificate', () => ended.abort());
  shutdown.step('reviews', (deadline) => server.close(deadline));
  log.info({ port: parameters.WEBHOOK_PORT }, 'listening');
  let problem = '';
  void (async () => {
    while (!ended.signal.aborted) {
      let why = 'the API server was not told yet to trust a certificate';
      try {
        await keeper.look();
        problem = '';
      } catch (error) {
        why = (error as Error).message;
        if (why !== problem) log.warn({ err: error }, 'the certificate could not be looked after');
        problem = why;
      }
      if (ended.signal.aborted) return;
      const { pair } = keeper;
      server.serve(pair);
      metrics.webhook_certificate_expires_timestamp_seconds.set(pair === undefined ? 0 : pair.notAfter / 1000);
      if (pair === undefined) certificate.fail(why);
      else certificate.pass(problem || undefined);
      await sleep(Math.min(keeper.period, 10_000), undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
});
