import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseIni } from './ini.ts';
import { Invalid } from '../documents/invalid.ts';
import { syntaxErrorOffset, parseJson } from './json.ts';
import { parseProperties } from './properties.ts';
import { plain } from './plain.ts';
import { FORMATS, loadParser, syntaxOf, type Syntax } from './syntax.ts';

/** What a parser says of a text: its value, or the message of its Invalid; anything else is thrown on. */
function says(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof Invalid) return error.message;
    throw error;
  }
}

/** A document's values as JSON has them. */
async function parseDocument(syntax: Syntax, content: Uint8Array): Promise<unknown[] | undefined> {
  return (await loadParser(syntax))(content)?.map(plain);
}

/** Text that is nearly JSON. */
const nearlyJson = fc.oneof(
  fc.string(),
  fc.json(),
  fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', '{', '}', '[', ',', ':', '"', '1', 'e', ' ', '\u0001'))
    .map(([text, at, put]) => {
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + put + text.slice(cut + 1);
    }),
);

/** Where JSON.parse says that a text goes wrong: its length when that is not told, undefined when it does not. */
function mistakeOfParse(text: string): number | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return Number(/at position (\d+)/.exec((error as Error).message)?.[1] ?? text.length);
  }
}

test('JSON: there is a mistake where JSON.parse finds one, at the beginning of the same token', () => {
  fc.assert(
    fc.property(nearlyJson, (text) => {
      const theirs = mistakeOfParse(text);
      const ours = syntaxErrorOffset(text);
      if (theirs === undefined) return assert.is(ours, text.length);
      assert.ok(ours <= theirs, `${ours} is behind ${theirs}`);
      assert.match(String(says(() => parseJson(text))), /^not JSON at line \d+, column \d+$/);
      // What is before it can be the beginning of something good: cut there, it only ends too early.
      const before = text.slice(0, ours);
      assert.ok(
        syntaxErrorOffset(before) === before.length && (mistakeOfParse(before) ?? ours) >= before.trimEnd().length,
      );
    }),
    { numRuns: 3000 },
  );
});

test('JSON: the place of a mistake', () => {
  for (const [text, place] of [
    ['{"a": 1,\n "b": x}', 'line 2, column 7'],
    ['', 'line 1, column 1'],
    ['[1,]', 'line 1, column 4'],
    ['{"a" 1}', 'line 1, column 6'],
    ['{"a": 1} x', 'line 1, column 10'],
    ['{"secret": "hunter2', 'line 1, column 12'],
  ]) {
    assert.is(
      says(() => parseJson(text!)),
      `not JSON at ${place}`,
    );
  }
});

test('INI: what configparser reads', () => {
  const text = '# a comment\n[Main]\nName = a = b\nempty =\n; another\nlong: one\n  two\n\n  three\n[other]\nx=1\n';
  const parsed = parseIni(text);
  assert.equal(JSON.parse(JSON.stringify(parsed)), {
    Main: { Name: 'a = b', empty: '', long: 'one\ntwo\nthree' },
    other: { x: '1' },
  });
});

test('INI: what configparser refuses, by line, without a word of it', () => {
  for (const [text, message] of [
    ['secret=1', 'not INI at line 1: a value comes before the first section'],
    ['[a]\nx=1\nX=2', 'not INI at line 3: a name comes a second time in its section'],
    ['[a]\n[b]\n[a]', 'not INI at line 3: a section comes a second time'],
    ['[a]\n= secret', 'not INI at line 2: it is neither a section, a comment nor name = value'],
    ['[a\nx=1', 'not INI at line 1: a section has no closing bracket, or something follows it'],
    ['<html>', 'not INI at line 1: a value comes before the first section'],
    ['[a]\nword', 'not INI at line 2: it is neither a section, a comment nor name = value'],
  ]) {
    assert.is(
      says(() => parseIni(text!)),
      message,
    );
  }
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const value = fc.stringMatching(/^[a-zA-Z0-9 =:#;[\]\\/]{0,12}$/).map((text) => text.trim());

test('INI: what is written is read', () => {
  fc.assert(
    fc.property(fc.dictionary(word, fc.dictionary(word, value, { minKeys: 1 }), { minKeys: 1 }), (sections) => {
      const text = Object.entries(sections)
        .map(
          ([name, values]) =>
            `[${name}]\n${Object.entries(values)
              .map(([key, each]) => `${key} = ${each}\n`)
              .join('')}`,
        )
        .join('\n');
      assert.equal(JSON.parse(JSON.stringify(parseIni(text))), JSON.parse(JSON.stringify(sections)));
    }),
  );
});

test('properties: escapes, continuations, comments', () => {
  const text =
    '! one\n# two\na=1\n b : x y \nlong = one\\\n   two\npath=C\\:\\\\dir\nuni\\u0041=\\u00e9\\n\nodd=\\\\\nnext=1\nk\\=ey=v';
  assert.equal(JSON.parse(JSON.stringify(parseProperties(text))), {
    a: '1',
    b: 'x y ',
    long: 'onetwo',
    path: String.raw`C:\dir`,
    uniA: 'é\n',
    odd: '\\',
    next: '1',
    'k=ey': 'v',
  });
});

test('properties: what is refused, by line, without a word of it', () => {
  for (const [text, message] of [
    ['a=1\nsecret', 'not properties at line 2: a key is not followed by = or :'],
    ['<!doctype html>', 'not properties at line 1: a key is not followed by = or :'],
    ['=1', 'not properties at line 1: there is no key'],
    ['a b=1', 'not properties at line 1: a blank within a key is not escaped'],
    ['a=1\na=2', 'not properties at line 2: a key comes a second time'],
    ['a=\\u00zz', String.raw`not properties at line 1: \u is not followed by four hexadecimal digits`],
  ]) {
    assert.is(
      says(() => parseProperties(text!)),
      message,
    );
  }
});

test('properties: what is written is read', () => {
  const escape = (text: string): string =>
    Array.from(text)
      .map((char) => (/[\w.]/.test(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`))
      .join('');
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1, unit: 'binary-ascii' }), fc.string({ unit: 'binary-ascii' })),
      (values) => {
        const text = Object.entries(values)
          .map(([key, each]) => `${escape(key)}=${escape(each)}\n`)
          .join('');
        assert.equal({ ...parseProperties(text) }, { ...values });
      },
    ),
  );
});

test('every parser takes any text, or refuses it as Invalid without quoting it', async () => {
  for (const syntax of FORMATS.filter((format): format is Syntax => format !== 'auto')) {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), nearlyJson), async (text) => {
        try {
          await parseDocument(syntax, Buffer.from(text));
        } catch (error) {
          assert.instance(error, Invalid);
        }
      }),
      { numRuns: 400 },
    );
  }
});

test('YAML and TOML: places, several documents, bombs', async () => {
  const parse = async (syntax: Syntax, text: string): Promise<unknown> =>
    await parseDocument(syntax, Buffer.from(text)).catch((error: Error) => error.message);
  assert.equal(await parse('yaml', 'a: 1\n---\nb: [2]\n'), [{ a: 1 }, { b: [2] }]);
  assert.is(await parse('yaml', 'a: 1\na: hunter2\n'), 'not YAML at line 2, column 1: duplicated mapping key');
  assert.match(String(await parse('yaml', 'a: "hunter2\n')), /^not YAML at line 2, column 1: deficient indentation$/);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(',')}]`)
    .join('\n')}\n`;
  assert.match(String(await parse('yaml', bomb)), /its aliases add more than 1,000,000 values/);
  assert.equal(JSON.stringify(await parse('toml', 'a = 1\n[b]\nc = "x"\n')), '[{"a":1,"b":{"c":"x"}}]');
  assert.is(
    await parse('toml', 'a = 1\na = "hunter2"\n'),
    'not TOML at line 2, column 1: trying to redefine an already defined table or value',
  );
});

test('YAML: tags, keys and merges that only the application knows the meaning of', async () => {
  for (const text of [
    'a: !vault |\n  3234\nb: !Ref x\nc: !Sub [a, b]\nd: !Map { e: f }\n',
    'a: !!python/tuple [1, 2]\nb: !<tag:example.org,2000:x> y\n',
    '? [a, b]\n: c\n1: d\n"1": e\n__proto__: f\n',
    'base: &base { a: 1 }\nother:\n  <<: *base\n  b: 2\n',
    '%YAML 1.1\n---\na: yes\n',
  ])
    assert.not.instance(await parseDocument('yaml', Buffer.from(text)).catch((error: Error) => error), Error, text);
});

test('what is nested, circular or multiplied beyond use is Invalid in every syntax, and quickly', async () => {
  const deep = (open: string, close: string): string => open.repeat(100_000) + close.repeat(100_000);
  const began = performance.now();
  for (const [syntax, text, message] of [
    ['json', deep('[', ']'), /nested deeper than 100 levels/],
    ['json', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, /nested deeper than 100 levels/],
    ['yaml', deep('[', ']'), /nesting exceeded/],
    ['yaml', '- '.repeat(100_000), /nesting exceeded/],
    ['toml', `a = ${deep('[', ']')}`, /nested/],
    ['yaml', 'a: &a [*a]\n', /contains itself/],
    ['yaml', 'a: &a { b: *a }\n', /contains itself/],
    ['yaml', '&a [1, { b: [*a] }]\n', /contains itself/],
  ] as const) {
    const error = await parseDocument(syntax, Buffer.from(text)).catch((caught: Error) => caught);
    assert.instance(error, Invalid, text.slice(0, 20));
    assert.match((error as Error).message, message);
  }
  assert.ok(performance.now() - began < 30_000, `${performance.now() - began} ms`);
});

/** Texts that grow in one way; each once drove some parser to the square of its length. */
const GROWING: readonly (readonly [Syntax, (size: number) => string])[] = [
  ['yaml', (size) => Array.from({ length: size / 16 }, (_, index) => `key${index}: value\n`).join('')],
  ['yaml', (size) => `a: &a x\nb:\n${'- *a\n'.repeat(size / 5)}`],
  ['yaml', (size) => Array.from({ length: size / 16 }, (_, index) => `- &a${index} x\n- *a${index}\n`).join('')],
  ['yaml', (size) => `{${Array.from({ length: size / 8 }, (_, index) => `k${index}: 1`).join(', ')}}`],
  ['yaml', (size) => '\n'.repeat(size)],
  ['properties', (size) => `a${' '.repeat(size)}`],
  ['properties', (size) => `a=${'x\\\n'.repeat(size / 3)}`],
  ['properties', (size) => '\\'.repeat(size)],
  ['ini', (size) => `[a]\nb=1\n${' c\n'.repeat(size / 3)}`],
  ['ini', (size) => `[${'['.repeat(size)}`],
  ['toml', (size) => Array.from({ length: size / 16 }, (_, index) => `key${index} = 1\n`).join('')],
  ['json', (size) => `[${'1,'.repeat(size / 2)}`],
  ['json', (size) => `"${'\\'.repeat(size)}`],
];

test('parsers take time in proportion to the length of a text', async () => {
  for (const [syntax, text] of GROWING) {
    const parse = await loadParser(syntax);
    const time = (size: number): number => {
      const content = Buffer.from(text(size));
      const before = process.cpuUsage();
      says(() => parse(content));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    // The square would take an hour where a line takes a second.
    time(32_768);
    assert.ok(time(1024 * 1024) < 4000, `${syntax}: ${text(40)}`);
  }
});

test('a value in INI has any character that ends no line', () => {
  const { a } = parseIni('[a]\nb = x\u2028y\nc\u2029d: z\n');
  assert.equal({ ...a }, { b: 'x\u2028y', 'c\u2029d': 'z' });
});

test('text is anything, the others are UTF-8', async () => {
  assert.is(await parseDocument('text', Buffer.from([0xff])), undefined);
  const error = await parseDocument('json', Buffer.from([0x22, 0xff, 0x22])).catch((caught: Error) => caught);
  assert.is((error as Error).message, 'not UTF-8');
});

test('auto goes by the suffix', () => {
  assert.is(syntaxOf('auto', '/etc/a.YML'), 'yaml');
  assert.is(syntaxOf('auto', '/etc/a.conf'), 'text');
  assert.is(syntaxOf('json', '/etc/a.conf'), 'json');
});

test.run();
