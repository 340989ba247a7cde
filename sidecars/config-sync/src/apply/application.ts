/** The application, as far as one file goes: is it there, tell it, has it taken the file. */
import { pause } from '#kit/time/backoff.ts';
import { NotificationRefused, notify, notificationProblem } from '#kit/process/notify.ts';
import type { FilePlan } from '../settings/plan.ts';
import { Invalid } from '../documents/invalid.ts';
import type { Identity } from '../documents/document.ts';
import { bareEnvironment } from '../work/environment.ts';
import { whyUnavailable, Unverified, verify } from '../checks/verify.ts';

/** What came of telling it. */
export type NotifyResult =
  | { readonly kind: 'told' }
  /** It said no. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody heard. */
  | { readonly kind: 'unheard'; readonly reason: string };

/** An application that came up by itself may have read the new file: so long it is looked at before it is told, in milliseconds. */
const LOOK_FIRST = 1000;
/** Between tries to tell it, in milliseconds. */
const TELL_AGAIN = 200;

export class Application {
  readonly #plan: FilePlan;
  readonly #onFailure: () => void;

  /** @param onFailure counts what could not be told */
  constructor(plan: FilePlan, onFailure: () => void) {
    this.#plan = plan;
    this.#onFailure = onFailure;
  }

  /** True when what becomes of a version can be known. */
  get verifiable(): boolean {
    return this.#plan.verification !== undefined;
  }

  /** Why it is not there, or cannot be told; undefined when it is up as far as can be seen. */
  async whyUnavailable(signal: AbortSignal): Promise<string | undefined> {
    const { notification } = this.#plan;
    return (notification && notificationProblem(notification)) ?? (await this.silence(signal));
  }

  /** Why it does not answer at all; undefined when it does, or when nobody would know. */
  async silence(signal: AbortSignal): Promise<string | undefined> {
    const { verification } = this.#plan;
    return verification && (await whyUnavailable(verification.subject, signal));
  }

  /** Tell it, once. */
  async tell(signal: AbortSignal): Promise<NotifyResult> {
    const { notification, notifyTimeout: timeout } = this.#plan;
    if (!notification) return { kind: 'told' };
    const blocked = notificationProblem(notification);
    if (blocked !== undefined) return { kind: 'unheard', reason: blocked };
    try {
      await notify(notification, { timeout, signal, env: bareEnvironment(this.#plan.commandEnvironment) });
      return { kind: 'told' };
    } catch (error) {
      signal.throwIfAborted();
      const reason = (error as Error).message;
      if (!(error instanceof NotificationRefused)) return { kind: 'unheard', reason };
      this.#onFailure();
      return { kind: 'refused', reason };
    }
  }

  /** Tell it until it hears, for at most CONFIG_NOTIFY_TIMEOUT. */
  async notifyWithRetry(signal: AbortSignal): Promise<NotifyResult> {
    const deadline = performance.now() + this.#plan.notifyTimeout;
    for (;;) {
      const told = await this.tell(signal);
      if (told.kind !== 'unheard') return told;
      if (performance.now() + TELL_AGAIN >= deadline) {
        this.#onFailure();
        return told;
      }
      await pause(TELL_AGAIN, signal);
    }
  }

  /**
   * Wait until it has taken a version.
   * @param patience milliseconds; CONFIG_VERIFY_TIMEOUT unless told
   * @returns why it seems not to have; undefined when it has, or when nothing is verified
   */
  async refusal(
    id: Identity,
    content: Uint8Array,
    signal: AbortSignal,
    patience?: number,
  ): Promise<string | undefined> {
    const { verification } = this.#plan;
    if (!verification) return undefined;
    try {
      await verify(verification, { id, content, signal }, patience);
      return undefined;
    } catch (error) {
      // Invalid: what is to be shown may have been declared anew since the document was validated.
      if (error instanceof Unverified || error instanceof Invalid) return error.message;
      throw error;
    }
  }

  /** Whether it already shows a version that it was not told of. */
  async tookItself(id: Identity, content: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { verification } = this.#plan;
    if (!verification?.subject.kind.startsWith('shows') || verification.expectation(id, content) === undefined)
      return false;
    return (await this.refusal(id, content, signal, Math.min(LOOK_FIRST, verification.timeout))) === undefined;
  }
}
