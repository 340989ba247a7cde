/** What must not be shown, taken out of what is shown. */

const HIDDEN = '***';
/** A rotated secret may still stand in an old message; of more than this nobody has a message left. */
const REMEMBERED = 16;

/** Values that are kept out of logs, errors and files. */
export class Secrets {
  readonly #values: string[] = [];

  /** Remember a value; one of less than three characters would black out ordinary text, and is no secret. */
  add(value: string): void {
    for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString('base64')])) {
      if (value.length < 3 || this.#values.includes(form)) continue;
      this.#values.unshift(form);
    }
    this.#values.splice(REMEMBERED * 3);
  }

  /** A text without the secrets, and without the user and password of any URL in it. */
  redact(text: string): string {
    let shown = text;
    // Longest first: one value may begin with another.
    for (const value of this.#values.toSorted((a, b) => b.length - a.length)) shown = shown.replaceAll(value, HIDDEN);
    return shown
      .replace(/\b(https?:\/\/)[^\s/@'"]+@/gi, `$1${HIDDEN}@`)
      .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s/@:'"]*):[^\s/@'"]*@/gi, `$1:${HIDDEN}@`);
  }
}
