/** A failed setup: a sentence that says what is wrong, and lines that say what to do about it. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
  /** `refused`: somebody else has to act first (exit code 2); `failed`: it was tried (exit code 1). */
  readonly reason: 'refused' | 'failed';
  /** Lines to print below the message: commands to type, or a program's last words. */
  readonly advice: readonly string[];

  constructor(reason: 'refused' | 'failed', message: string, advice: readonly string[] = []) {
    super(message);
    this.reason = reason;
    this.advice = advice;
  }

  /** 2 when somebody else has to act first, 1 when something that setup did went wrong. */
  get exitCode(): number {
    return this.reason === 'refused' ? 2 : 1;
  }
}
