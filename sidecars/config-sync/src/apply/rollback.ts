/** Back to the last good version, after the application did not take a candidate. */
import type { FilePlan } from '../settings/plan.ts';
import { nameOf } from '../documents/document.ts';
import type { Application } from './application.ts';
import type { FileEvents } from './file-events.ts';
import type { Place } from './place.ts';

export interface RollbackOptions {
  readonly plan: FilePlan;
  readonly place: Place;
  /** What is told of the old file; undefined in one-time mode, where it is not up yet. */
  readonly application: Pick<Application, keyof Application> | undefined;
  readonly events: FileEvents;
  readonly signal: AbortSignal;
}

export interface Rollback {
  /** `rejected` where there is no earlier version: the candidate stays in place. */
  readonly outcome: 'rolled_back' | 'rejected';
  /** Why the good version, which was put back, does not show. */
  readonly unconfirmed?: string | undefined;
}

/**
 * Put the good version back in place of the journal's candidate, whose failure is noted there. A kill
 * at any step is made good by calling it again.
 * @throws {StorageError} when the file system refuses, and the signal's reason
 */
export async function rollBack({ plan, place, application, events, signal }: RollbackOptions): Promise<Rollback> {
  const { candidate, good } = place.journal;
  const { version, failure = '' } = candidate!;
  await place.write(place.journal, true);
  const content = await place.putBack();
  if (!content || !good) {
    await events.report(version, 'rejected', `${failure}; there is no earlier version to go back to`);
    await place.write({ ...place.journal, candidate: undefined }, true);
    events.log.error({ file: plan.path, version }, 'no earlier version to go back to: it stays in place');
    return { outcome: 'rejected' };
  }
  await tellAgain(application, plan, events, signal);
  const unconfirmed = await application?.refusal(good, content, signal);
  const still = unconfirmed === undefined ? '' : `; since then: ${unconfirmed}`;
  await events.report(version, 'rolled-back', `${failure}${still}`);
  await place.write({ ...place.journal, candidate: undefined }, true);
  events.log.warn({ file: plan.path, version, good: good.version }, `rolled back to ${nameOf(good)}${still}`);
  return { outcome: 'rolled_back', unconfirmed };
}

/** Tell the application of the old file; when it is down, it will read it as it comes up. */
export async function tellAgain(
  application: RollbackOptions['application'],
  { path }: FilePlan,
  { log }: FileEvents,
  signal: AbortSignal,
): Promise<void> {
  const told = await application?.notifyWithRetry(signal);
  if (told && told.kind !== 'told') log.warn({ file: path }, `it could not be told: ${told.reason}`);
}
