/** From the body of a review to its answer. */
import type { ContainerOptions } from '../../../../tools/bundled/container-spec.ts';
import { answerOf, readReview, type Pod } from './admission.ts';
import { injectInto } from './inject.ts';
import { wantedBy } from './wish.ts';

export interface ReviewerOptions {
  readonly container: ContainerOptions;
  readonly onReviewed: (outcome: 'injected' | 'unchanged' | 'skipped', seconds: number) => void;
  /** A pod wants a sidecar that it cannot have; not told of a dry run. */
  readonly onSkipped: (pod: Pod, message: string) => void;
}

export class Reviewer {
  readonly #options: ReviewerOptions;

  constructor(options: ReviewerOptions) {
    this.#options = options;
  }

  /**
   * Answer one review.
   * @param path at which it came: it says which sidecars are wanted
   * @returns the answer; undefined for a path that is not ours
   * @throws {NoReview}
   */
  review(path: string, body: string): string | undefined {
    const started = performance.now();
    const { container, onReviewed, onSkipped } = this.#options;
    const { uid, dryRun, pod } = readReview(body);
    const wanted = pod === undefined ? [] : wantedBy(path, pod);
    if (wanted === undefined) return undefined;
    const { patch, skipped } = pod === undefined ? { patch: [], skipped: [] } : injectInto(pod, wanted, container);
    const answer = answerOf(uid, patch, skipped);
    const outcome = skipped.length > 0 ? 'skipped' : patch.length > 0 ? 'injected' : 'unchanged';
    onReviewed(outcome, (performance.now() - started) / 1000);
    if (!dryRun) for (const message of skipped) onSkipped(pod!, message);
    return answer;
  }
}
