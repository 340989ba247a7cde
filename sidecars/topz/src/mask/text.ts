/** Secrets inside a text: those that their form gives away, and those that a name before them does. */
import { isSecretName } from './names.ts';

export const MASK = '***';

// Every expression takes time in proportion to the text: no repeated group holds another repetition
// of the same characters.
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*/g;
/** What issuers begin their tokens with; `eyJ` is `{"` in base64, a JSON web token. */
const TOKENS =
  /\b(?:gh[opsur]_\w{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{16,}|[rs]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|ya29\.[\w.-]{20,}|npm_\w{30,}|hv[bs]\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{6,}[\w.-]*)/g;
const BEARER = /\b(bearer\s+)[^\s"',;]+/gi;
/** The value of a header goes on to the end of its line, or of its quotes. */
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]{0,60}(?:key|token|auth|secret|password)[\w-]{0,60})(\s{0,3}[:=]\s{0,3})[^\r\n"']+/gi;
/** `scheme://user:secret@`; a port is none, and a secret may hold `@` and even `/`. */
const URL_PASSWORD = /\b([a-z][a-z\d+.-]{0,30}:\/\/[^\s/?#@:]*:)(?!\d{1,5}[/?#])([^\s"'<>]*)/gi;
/** Over HTTP a user without a password is a token: `https://TOKEN@host/repository`. */
const URL_TOKEN = /\b(https?:\/\/)[^\s/?#@:"'<>]+@/gi;
/** A name and what stands between it and its value; the value is looked at only behind a name that is secret. */
const NAME = /([A-Za-z_][\w.-]{0,100})["']?\s{0,3}[=:]\s{0,3}/g;
const VALUE = /"(?:[^"\\]|\\[\s\S])*"?|'[^']*'?|[^\s&;"'`]+/y;

/**
 * Mask what a text holds of secrets.
 * @param text part of a command line
 */
export function maskText(text: string): string {
  const named = text
    .replace(PRIVATE_KEY, MASK)
    .replace(URL_PASSWORD, (all, before: string, rest: string) => {
      // Looked for here, since an expression would look anew from each of many schemes in a row.
      const at = rest.lastIndexOf('@');
      return at === -1 ? all : before + MASK + rest.slice(at);
    })
    .replace(URL_TOKEN, `$1${MASK}@`)
    .replace(HEADER, `$1$2${MASK}`);
  return maskAssignments(named).replace(BEARER, `$1${MASK}`).replace(TOKENS, MASK);
}

/**
 * Mask the values of secret names. What follows another name is looked at anew, right behind its `=` or
 * `:`: a URL behind `https:` has parameters, and `username=joe,password=…` is two assignments.
 */
function maskAssignments(text: string): string {
  let masked = '';
  let done = 0;
  NAME.lastIndex = 0;
  for (let found = NAME.exec(text); found !== null; found = NAME.exec(text)) {
    if (!isSecretName(found[1]!) || text.startsWith('//', NAME.lastIndex)) continue;
    VALUE.lastIndex = NAME.lastIndex;
    const value = VALUE.exec(text)?.[0];
    if (value === undefined) continue;
    const quote = /^["']/.exec(value)?.[0] ?? '';
    masked += `${text.slice(done, NAME.lastIndex)}${quote}${MASK}${quote}`;
    done = NAME.lastIndex += value.length;
  }
  return masked + text.slice(done);
}
