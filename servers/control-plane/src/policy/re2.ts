/**
 * Regular expressions of a policy: what RE2 and JavaScript (flag `v`) both take, and mean the same by. Envoy and gRPC's
 * clients match by RE2, the proxies of the mesh by JavaScript, and a client refuses a route whose expression it does not
 * know: grpc-js-xds 1.14.1 even ends its process.
 *
 * https://github.com/google/re2/wiki/Syntax, and https://tc39.es/ecma262/#sec-patterns
 */

/** RE2's own limit: of one repetition, and of the product of those that stand inside each other. */
const MOST_REPEATED = 1000;
/**
 * Instructions of RE2's program, estimated from above: of one expression, and of all of a policy together. In 8 MiB,
 * RE2's own limit, are about 87,000; a process of grpc-js-xds 1.14.1 has 16 MiB for all expressions that it ever meets,
 * since it frees none, and ends where they are full (at some 130,000).
 */
const MOST_INSTRUCTIONS = 32_768;
/** RE2's own limit of groups in groups is 1,000, and V8's stack is none to be tried. */
const DEEPEST = 100;

/** Outside of a set. */
const ESCAPED = /^\\(?:[dDwWsSbBtnrfv]|x[0-9A-Fa-f]{2}|[\^$\\.*+?()[\]{}|/]|[pP]\{(\w+)\})/;
const ESCAPED_IN_SET = /^\\(?:[dDwWsStnrfv]|x[0-9A-Fa-f]{2}|[\^$\\.*+?()[\]{}|/&\-!#%,:;<=>@`~]|[pP]\{(\w+)\})/;
/** General categories by their short names, which both know. */
const CATEGORIES = new Set(
  'L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co'.split(' '),
);
const QUANTIFIER = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/;
/** Flags that mean the same to both: i, m, s. */
const GROUP = /^\((?:\?(?:[ims]+(?:-[ims]+)?|-[ims]+)?:)?(?!\?)/;

/** Instructions of one character in UTF-8, of any character, and of a category: measured by how many fit. */
const CHARACTER = 5;
const ANY = 16;
const CATEGORY = 1800;

/** What stands where a quantifier may follow, or a group that is open. */
interface Part {
  /** Product of the repetitions inside. */
  repeated: number;
  instructions: number;
}

class Unknown extends Error {}

/** What is left for the expressions of one policy. */
export class ExpressionRoom {
  #left = MOST_INSTRUCTIONS;

  /** @param instructions of one more expression @returns false for the first one that has no room; the rest is not looked at */
  take(instructions: number): boolean {
    const had = this.#left >= 0;
    this.#left -= instructions;
    return !had || this.#left >= 0;
  }
}

/**
 * Why an expression cannot be used; undefined where it can.
 * @param room of the policy that it stands in
 * @param copies how many times a client may get it
 */
export function problemOfExpression(source: string, room = new ExpressionRoom(), copies = 1): string | undefined {
  try {
    const instructions = look(source);
    // What JavaScript alone refuses is in its own words.
    void new RegExp(source, 'v');
    if (!room.take(instructions * copies))
      throw new Unknown('with this one, the expressions of the policy together are larger than clients take');
    return undefined;
  } catch (error) {
    if (error instanceof Unknown) return `${source}: ${error.message}`;
    return (error as Error).message;
  }
}

/** @returns its instructions */
function look(source: string): number {
  const open: Part[] = [{ repeated: 1, instructions: 0 }];
  let last: Part | undefined;
  const add = (part: Part): void => {
    settle();
    last = part;
  };
  const settle = (): void => {
    const around = open.at(-1)!;
    if (last === undefined) return;
    around.repeated = Math.max(around.repeated, last.repeated);
    around.instructions += last.instructions;
    if (around.instructions > MOST_INSTRUCTIONS) throw new Unknown('expanded, it is larger than clients take');
    last = undefined;
  };
  for (let at = 0; at < source.length;) {
    const rest = source.slice(at);
    const [group] = GROUP.exec(rest) ?? [];
    const quantifier = last && QUANTIFIER.exec(rest);
    if (quantifier) {
      last = repeat(last!, quantifier);
      settle();
      at += quantifier[0].length;
    } else if (group !== undefined) {
      settle();
      open.push({ repeated: 1, instructions: 2 });
      if (open.length > DEEPEST) throw new Unknown(`more than ${DEEPEST} groups stand inside each other`);
      at += group.length;
    } else if (rest[0] === ')' && open.length > 1) {
      settle();
      add(open.pop()!);
      at++;
    } else {
      const [text, instructions] = atom(rest);
      if (instructions === 0) settle();
      else add({ repeated: 1, instructions });
      at += text.length;
    }
  }
  settle();
  return open[0]!.instructions;
}

function repeat({ repeated, instructions }: Part, [text, least, , most]: RegExpExecArray): Part {
  const times = text.startsWith('{') ? Number(most || least) : 1;
  const all = repeated * Math.max(1, times);
  if (Math.max(all, Number(least ?? 0)) > MOST_REPEATED)
    throw new Unknown(`it repeats ${all} times: RE2 allows ${MOST_REPEATED}, those inside each other multiplied`);
  return { repeated: all, instructions: instructions * Math.max(1, times) + 2 * (times + 1) };
}

/** What stands alone, and its instructions; 0 for what nothing can repeat. */
function atom(rest: string): [string, number] {
  const [first] = rest as unknown as [string];
  if (first === '[') return set(rest);
  if (first === '\\') return escape(ESCAPED, rest);
  if (rest.startsWith('(?'))
    throw new Unknown(
      'expressions are RE2\'s, without looking ahead or behind and without named groups; flags are i, m and s: "(?i:…)"',
    );
  if (first === '|' || first === '^' || first === '$') return [first, 0];
  if (first === '.') return ['.', ANY];
  return [String.fromCodePoint(rest.codePointAt(0)!), CHARACTER];
}

function escape(known: RegExp, rest: string): [string, number] {
  const found = known.exec(rest);
  if (!found || (found[1] !== undefined && !CATEGORIES.has(found[1])))
    throw new Unknown(
      `${rest.slice(0, 2)}: expressions are RE2's, without back references; of escapes it is \\d, \\w, \\s, \\b, \\p{L} and the like, \\xHH, and characters of expressions themselves that are known to all`,
    );
  if (found[1] !== undefined) return [found[0], CATEGORY];
  // Assertions cannot be repeated.
  if (/^\\[bB]/.test(found[0])) return [found[0], 0];
  return [found[0], /^\\[DWS]/.test(found[0]) ? ANY : CHARACTER];
}

/** `[…]` */
function set(rest: string): [string, number] {
  let at = rest[1] === '^' ? 2 : 1;
  let instructions = at === 2 ? ANY : CHARACTER;
  for (const start = at; at < rest.length;) {
    const tail = rest.slice(at);
    const first = String.fromCodePoint(tail.codePointAt(0)!);
    if (first === ']' && at > start) return [rest.slice(0, at + 1), instructions];
    if (first === ']') throw new Unknown('a set is empty');
    if (first === '[' || tail.startsWith('&&') || tail.startsWith('--'))
      throw new Unknown(`${tail.slice(0, 2)} inside a set: RE2 knows no sets of sets`);
    const [text, more] = first === '\\' ? escape(ESCAPED_IN_SET, tail) : [first, first < '\x80' ? 1 : ANY];
    instructions += more;
    at += text.length;
  }
  throw new Unknown('a set does not end');
}
