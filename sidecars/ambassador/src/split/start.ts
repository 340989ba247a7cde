/** The split mode: two versions of one server. */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { HEALTH_MAX_AGE } from '#proxy/upstream/health.ts';
import { addressOf } from '../http.ts';
import { accessLog } from '#proxy/filters/access-log.ts';
import type { AmbassadorKit } from '../kit.ts';
import { patienceOf, proxyStats, tracingOf } from '../plane-parts.ts';
import type { Change } from './judge.ts';
import { SplitPlane } from './plane.ts';

/** Serve the application. @throws {ConfigurationError} without its servers, or when the port cannot be had */
export async function startSplit(kit: AmbassadorKit): Promise<void> {
  const { parameters, log, metrics, readiness, shutdown } = kit;
  const { SPLIT_OLD: before, SPLIT_NEW: tried } = parameters;
  const missing = (['SPLIT_OLD', 'SPLIT_NEW'] as const).filter((name) => parameters[name] === undefined);
  if (before === undefined || tried === undefined)
    throw new ConfigurationError(
      missing.map((parameter) => ({
        parameter,
        reason: 'missing',
        message: `${parameter} is not set; AMBASSADOR_MODE=split requires it: host:port`,
      })),
    );
  const percent = Number(parameters.SPLIT_PERCENT);
  metrics.split_share_percent.set(percent);
  const tracing = tracingOf(kit);
  const plane = new SplitPlane({
    address: parameters.AMBASSADOR_ADDRESS,
    port: parameters.AMBASSADOR_PORT,
    maxClients: parameters.AMBASSADOR_MAX_CLIENTS,
    old: addressOf(before),
    new: addressOf(tried),
    percent,
    mirror: parameters.SPLIT_MIRROR,
    cookie: parameters.SPLIT_COOKIE,
    setsCookie: parameters.SPLIT_SET_COOKIE,
    timeout: parameters.SPLIT_TIMEOUT,
    tolerance: parameters.SPLIT_TOLERANCE,
    pause: parameters.SPLIT_RETURN,
    check: readiness.check('old version', HEALTH_MAX_AGE),
    stats: proxyStats(metrics),
    tracing: tracing.filters,
    accessLog: accessLog(kit),
    log,
    onTry: (server) => metrics.requests.inc({ server }),
    onAnswer: (server) => metrics.responses.inc({ server }),
    onFallback: () => metrics.split_fallbacks.inc(),
    onUnanswered: () => metrics.forward_error.inc(),
    onJudged: (version, failed) => {
      metrics.split_answers.inc({ version });
      if (failed) metrics.split_errors.inc({ version });
    },
    onChange: (change) => {
      metrics.split_share_percent.set(change.share);
      if (change.state === 'backed-off') {
        metrics.split_backoffs.inc({ reason: change.reason! });
        log.warn(change, sentenceOf(change));
      } else log.info(change, sentenceOf(change));
    },
    onCopy: (outcome) => metrics.split_mirrored.inc({ outcome }),
  });
  await plane.open();
  log.info({ old: before, new: tried, share: percent, mirror: parameters.SPLIT_MIRROR }, 'split');
  shutdown.step('drain', async () => {
    await plane.drain(patienceOf(parameters.SHUTDOWN_TIMEOUT));
    await tracing.close();
  });
}

function sentenceOf({ state, share, reason, pause }: Change): string {
  if (state === 'backed-off')
    return `the new version ${reason === 'late' ? 'answers later' : 'errs more'} than the old one: it gets nothing for ${Math.round(pause! / 100) / 10} s`;
  return state === 'whole'
    ? `the new version has its whole share again: ${share} %`
    : `the new version gets ${share} %`;
}
