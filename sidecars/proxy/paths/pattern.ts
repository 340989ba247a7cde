/** Patterns of paths: `*` matches within a segment, `**` across segments. */

/** Longest pattern, in characters: with it the work for one path is bounded. */
export const MAX_PATTERN = 1024;

type Token = string | typeof STAR | typeof GLOBSTAR;
const STAR = Symbol('*');
const GLOBSTAR = Symbol('**');
const SLASH = 0x2f;

/** A pattern. Matching takes time in proportion to the length of the path times that of the pattern. */
export class PathPattern {
  /** As it was written. */
  readonly glob: string;
  readonly #exact: Matcher;
  readonly #loose: Matcher;

  /** @param glob begins with `/`; `/admin/**` matches `/admin`, too @throws {RangeError} when it is too long */
  constructor(glob: string) {
    if (glob.length > MAX_PATTERN) throw new RangeError(`a pattern has at most ${MAX_PATTERN} characters`);
    this.glob = glob;
    this.#exact = matcherOf(glob);
    this.#loose = matcherOf(withoutLastSlash(folded(glob)));
  }

  /** @param path one of `pathVariants` */
  matches(path: string): boolean {
    return this.#exact(path);
  }

  /** The same for a server that ignores case, composition of characters, and a slash at the end. */
  matchesLoosely(path: string): boolean {
    const text = folded(path);
    return this.#loose(text) || (text.endsWith('/') && this.#loose(withoutLastSlash(text)));
  }

  /**
   * Whether everything that a pattern matches is matched by this one.
   * @returns true only where it is certain: both are taken for a beginning with or without a `**` at the end
   */
  covers({ glob: narrow }: PathPattern): boolean {
    if (this.glob === narrow || this.glob === '/**') return true;
    const head = this.glob.endsWith('/**') ? this.glob.slice(0, -3) : undefined;
    if (head === undefined || head.includes('*')) return !narrow.includes('*') && this.matches(narrow);
    return narrow === head || narrow.startsWith(`${head}/`);
  }
}

const folded = (path: string): string => (/[^\0-\x7f]/.test(path) ? path.normalize('NFC') : path).toLowerCase();
const withoutLastSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);

type Matcher = (path: string) => boolean;

function matcherOf(glob: string): Matcher {
  if (!glob.includes('*')) return (path) => path === glob;
  if (glob.endsWith('/**')) {
    const head = glob.slice(0, -3);
    const whole = tokensOf(glob);
    if (!head.includes('*'))
      return (path) => path.startsWith(head) && (path.length === head.length || path.charCodeAt(head.length) === SLASH);
    const itself = tokensOf(head);
    return (path) => matchTokens(whole, path) || matchTokens(itself, path);
  }
  const tokens = tokensOf(glob);
  return (path) => matchTokens(tokens, path);
}

const tokensOf = (glob: string): Token[] =>
  glob
    .split(/(\*\*|\*)/)
    .filter((part) => part !== '')
    .map((part) => (part === '**' ? GLOBSTAR : part === '*' ? STAR : part));

/** A token at a time: `reached[n]` says whether the tokens so far can match the first n characters. */
function matchTokens(tokens: readonly Token[], path: string): boolean {
  const [first] = tokens;
  if (typeof first === 'string' && !path.startsWith(first)) return false;
  let reached = new Uint8Array(path.length + 1);
  reached[0] = 1;
  for (const token of tokens) {
    const next = new Uint8Array(path.length + 1);
    let open = false;
    for (let at = 0; at <= path.length; at++) {
      if (typeof token === 'string') {
        if (reached[at] === 1 && path.startsWith(token, at)) next[at + token.length] = 1;
        continue;
      }
      if (open && token === STAR && path.charCodeAt(at - 1) === SLASH) open = false;
      open ||= reached[at] === 1;
      if (open) next[at] = 1;
    }
    reached = next;
  }
  return reached[path.length] === 1;
}
