/**
 * Whether a parameter still takes every text that it took. Two patterns are compared by texts that the
 * old one takes: one that the new one refuses is a proof, and is shown. That none is found among many is
 * no proof, and is said as such.
 */
import * as fc from 'fast-check';
import type { ParameterDocument } from '#kit/contract/contract.ts';
import { parseValue, type Parameter } from '#kit/contract/parameter-types.ts';
import type { Change } from './change.ts';

/** The same texts each time, so that a comparison says the same twice. */
const SEED = 1;
/** Texts of each kind that are tried. */
const TEXTS = 400;
/** With fewer than these drawn nothing is known. */
const ENOUGH = 20;

type Texts = Pick<ParameterDocument, 'type' | 'pattern' | 'multiline' | 'default'>;

/**
 * Compare what two declarations of a type with a pattern (string, path, url, list) take.
 * @param subject names the parameter
 * @param before and `after` are of one type
 */
export function comparePatterns(subject: string, before: Texts, after: Texts): Change[] {
  if (before.pattern === after.pattern && before.multiline === after.multiline) return [];
  const [old, now] = [textsOf(before), textsOf(after)];
  const lost = shortest(old.filter((text) => !takes(after, text)));
  if (lost !== undefined) return [{ impact: 'breaking', subject, what: `no longer takes ${JSON.stringify(lost)}` }];
  if (old.length < ENOUGH)
    return [
      {
        impact: 'breaking',
        subject,
        what: `is checked by ${after.pattern ?? 'no pattern'} instead of ${before.pattern ?? 'none'}, and no text was found by which to compare them`,
        advice: 'say so in a major version, or write patterns without assertions such as (?!…)',
      },
    ];
  const gained = shortest(now.filter((text) => !takes(before, text)));
  return [
    {
      impact: 'addition',
      subject,
      what:
        gained === undefined
          ? `is checked by ${after.pattern ?? 'no pattern'} instead of ${before.pattern ?? 'none'}`
          : `also takes ${JSON.stringify(gained)}`,
      advice: `none of ${old.length} texts that it took is refused now; see to it that no other is`,
    },
  ];
}

function takes(parameter: Texts, text: string): boolean {
  try {
    parseValue(declarationOf(parameter), text);
    return true;
  } catch {
    return false;
  }
}

function declarationOf({ type, pattern, multiline }: Texts): Parameter {
  const regExp = pattern === undefined ? undefined : regExpOf(pattern);
  return { type, description: '', ...(regExp && { pattern: regExp }), ...(multiline && { multiline }) } as Parameter;
}

/** `/^a$/u` as String() writes it. */
const regExpOf = (text: string): RegExp =>
  new RegExp(text.slice(1, text.lastIndexOf('/')), text.slice(text.lastIndexOf('/') + 1));

/** Texts that a declaration takes, as they were drawn: some come several times. */
function textsOf(parameter: Texts): string[] {
  const candidates = [
    ...(parameter.default === undefined ? [] : [parameter.default]),
    ...(parameter.pattern === undefined ? [] : matching(regExpOf(parameter.pattern))),
    ...sample(fc.string({ unit: 'grapheme-ascii', maxLength: 30 })),
    ...(parameter.multiline ? ['two\nlines', 'three\r\nlines\n'] : []),
    ...(parameter.type === 'path' ? sample(fc.string({ unit: 'grapheme-ascii' }).map((text) => `/${text}`)) : []),
    ...(parameter.type === 'url' ? sample(fc.webUrl({ withQueryParameters: true, withFragments: true })) : []),
  ];
  // An empty value counts as not set.
  return candidates.filter((text) => text !== '' && takes(parameter, text));
}

/** Texts that a pattern is likely to match, short ones and some of a thousand characters. */
function matching(pattern: RegExp): string[] {
  for (const regExp of [pattern, withoutAssertions(pattern)]) {
    try {
      return [...sample(fc.stringMatching(regExp)), ...sample(fc.stringMatching(regExp, { size: 'large' }))];
    } catch {
      // A construct that fast-check cannot turn round: an assertion, or a property of Unicode.
    }
  }
  return [];
}

/** A wider pattern: `(?!…)`, `(?=…)` and their like ask for nothing, `\p{…}` is any character of ASCII that can be seen. */
function withoutAssertions({ source, flags }: RegExp): RegExp {
  const plain = source.replace(/\[\^[^\]]*\\p\{\w+\}[^\]]*\]/g, '[!-~]').replace(/\\[pP]\{\w+\}/g, '[!-~]');
  let wider = '';
  for (let at = 0; at < plain.length; at++) {
    if (/^\(\?<?[!=]/.test(plain.slice(at, at + 4))) at = closing(plain, at);
    else if (plain[at] === '\\') wider += plain.slice(at, ++at + 1);
    else wider += plain[at];
  }
  return new RegExp(wider, flags);
}

/** Where a group that is opened at an index ends. */
function closing(source: string, open: number): number {
  let depth = 0;
  let inClass = false;
  for (let at = open; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (inClass) inClass = source[at] !== ']';
    else if (source[at] === '[') inClass = true;
    else if (source[at] === '(') depth++;
    else if (source[at] === ')' && --depth === 0) return at;
  }
  return source.length;
}

const sample = (arbitrary: fc.Arbitrary<string>): string[] => fc.sample(arbitrary, { numRuns: TEXTS, seed: SEED });

const shortest = (texts: readonly string[]): string | undefined =>
  texts.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))[0];
