/** The file of pipelines: what is read, and how a mistake is told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { parsePipelines, readPipelines, type Entry } from './read.ts';
import { KEYS, type LineSettings } from '../lines/settings.ts';

const DEFAULTS: LineSettings = {
  SERVICE_NAME: 'shop',
  LABELS: ['team=all'],
  FILE_FORMAT: 'lines',
  LINE_TIME: 'detect',
  LINE_TIME_PATTERN: undefined,
  MULTILINE_START: '^\\S',
  LINE_DROP: undefined,
  LINE_REDACT: 'secret',
  LINE_REDACT_WITH: '[redacted]',
  STORE_INDEX: 'logs-all-default',
};
const parse = (text: string): Entry[] => parsePipelines(text, '/p.yaml', DEFAULTS);
const problemsOf = (text: string): string[] => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
};

test('what a pipeline does not say is what the parameters say', () => {
  const [entry] = parse('- paths: [/logs/a.log]\n');
  assert.equal(entry!.settings, DEFAULTS);
});

test('what it says, written in any way that YAML has', () => {
  const all = parse(`\ufeff# two
- paths:
    - /logs/a*.log
    - "/logs/**/b.log"
  service: 42
  labels: [a=1, "b=x,y"]
  format: docker
  time: read
  time_pattern: '[%s.%f]'
  multiline_start: '^\\d'
  drop: |-
    ^DEBUG
  redact_with: ""
  index: logs-a-{date}
- {paths: /logs/c.log, multiline_start: "", redact: '', service: "", labels: []}
`);
  assert.equal(
    all.map(({ settings }) => settings),
    [
      {
        SERVICE_NAME: '42',
        LABELS: ['a=1', 'b=x,y'],
        FILE_FORMAT: 'docker',
        LINE_TIME: 'read',
        LINE_TIME_PATTERN: '[%s.%f]',
        MULTILINE_START: '^\\d',
        LINE_DROP: '^DEBUG',
        LINE_REDACT: 'secret',
        LINE_REDACT_WITH: '',
        STORE_INDEX: 'logs-a-{date}',
      },
      { ...DEFAULTS, MULTILINE_START: undefined, LINE_REDACT: undefined, SERVICE_NAME: undefined, LABELS: [] },
    ],
  );
  assert.equal(
    all.map(({ globs }) => globs.length),
    [2, 1],
  );
});

const MISTAKES: readonly [text: string, ...messages: string[]][] = [
  ['', 'line 1: not a list of pipelines; accepted is'],
  ['\n\npaths: [/a]', 'line 3: not a list of pipelines; accepted is'],
  ['[]', 'line 1: not a list of pipelines; accepted is'],
  ['- x\n- paths: /a', 'line 1: not a pipeline; accepted is'],
  ['- service: a', 'line 1: paths is missing; accepted is'],
  ['- paths: []', 'line 1: paths is empty; accepted is'],
  ['- paths:\n  service: x', 'line 1: paths: nothing is written there; accepted is'],
  ['- paths:\n    - logs/a.log', 'line 2: paths: "logs/a.log" is malformed; accepted is'],
  ['- paths: [/logs/]', 'line 1: paths: "/logs/" is malformed; accepted is'],
  ['- paths: ["/[z-a]"]', 'line 1: paths: "/[z-a]" has a set of characters that is none; accepted is'],
  ['- paths: /a\n  drop: ~', 'line 2: drop: nothing is written there; accepted is a text, or "" for none'],
  ['- paths: /a\n  drop:\n    - x', 'line 3: drop: a list is no text; accepted is a text, or "" for none'],
  ['- paths: /a\n  drop: (', 'line 2: drop: /(/l: Unterminated group; accepted is'],
  ['- paths: /a\n  redact: (a)\\1', 'line 2: redact: /(a)\\1/l: Cannot be executed in linear time; accepted is'],
  ['- paths: /a\n  time_pattern: "%q"', 'line 2: time_pattern: '],
  ['- paths: /a\n  labels: [team]', 'line 2: labels: "team" is malformed; accepted is a list of name=value'],
  ['- paths: /a\n  index: Logs', 'line 2: index: "Logs" is malformed; accepted is'],
  ['- paths: /a\n  index: ""', 'line 2: index: "" is malformed; accepted is'],
  ['- paths: /a\n  format: jsn', 'line 2: format: "jsn" is not a choice; accepted is one of lines, docker, cri'],
  [
    '- paths: /a\n  redcat: x',
    'line 2: "redcat" is no key of a pipeline; did you mean redact?; accepted are paths, service',
  ],
  ['- paths: /a\n  [a]: x', 'line 2: "" is no key of a pipeline; accepted are paths'],
  ['- paths: /a\n  drop: a\n  drop: b', 'line 3: "drop" is given twice'],
  ['- &a {paths: /a}\n- *a', 'line 2: not a pipeline; accepted is'],
  ['- paths: /a\n---\n- paths: /a', 'line 3: begins a second document; accepted is one'],
  ['- paths: /a\n  drop: "x', 'line 2: is not YAML: '],
  [`- ${'['.repeat(30_000)}`, 'line 1: is not YAML: nesting exceeded'],
  [
    '- paths: /a\n  servce: x\n- {index: _a}',
    'line 2: "servce" is',
    'line 3: index: "_a" is',
    'line 3: paths is missing',
  ],
  [`${'- paths: /a\n'.repeat(101)}`, 'line 101: more than 100 pipelines'],
];

for (const [text, ...messages] of MISTAKES)
  test(`one line for each mistake, named by file and line: ${JSON.stringify(text.slice(0, 40))}`, () => {
    const problems = problemsOf(text);
    assert.is(problems.length, messages.length, problems.join('\n'));
    for (const [at, message] of messages.entries())
      assert.ok(problems[at]!.startsWith(`PIPELINES_FILE: /p.yaml, ${message}`), `${problems[at]} is not ${message}`);
  });

test('a file that is none, is too large, or is not there', () => {
  const top = mkdtempSync(join(tmpdir(), 'pipelines-'));
  const file = join(top, 'p.yaml');
  writeFileSync(file, '#'.repeat(64 * 1024 + 1));
  for (const [path, what] of [
    [top, /is no file; accepted is/],
    [file, /has 65537 bytes; accepted is/],
    [join(top, 'none'), /cannot be read \(ENOENT\); accepted is/],
  ] as const)
    assert.throws(
      () => readPipelines(path, DEFAULTS),
      (error: Error) => error instanceof ConfigurationError && what.test(error.message),
    );
  writeFileSync(file, '- paths: /a');
  assert.is(readPipelines(file, DEFAULTS).length, 1);
  rmSync(top, { recursive: true });
});

const key = fc.oneof(fc.constantFrom('paths', ...KEYS.keys()), fc.string({ maxLength: 8 }));
const text = fc.oneof(
  fc.constantFrom('/logs/*.log', '/[z-a]', '^\\S', '(', 'a=b', 'docker', '', '~', 'x\ny'),
  fc.string(),
);
const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 3 }),
  fc.constant(null),
  fc.integer(),
  fc.dictionary(key, text),
);
const document = fc.oneof(
  fc.array(fc.dictionary(key, value, { maxKeys: 4 }), { maxLength: 3 }).map((each) => dump(each)),
  fc.anything().map((each) => JSON.stringify(each) ?? ''),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        '- ',
        '  ',
        '\n',
        ': ',
        '[',
        ']',
        '{',
        '}',
        '"',
        "'",
        '&a',
        '*a',
        '!t ',
        '|',
        '>',
        '#',
        '---',
        '? ',
        'paths',
        '/a',
        '\t',
        '\0',
        '%',
        '<<',
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join('')),
);

test('any text ends in pipelines, or in problems of one line each with the place', () => {
  fc.assert(
    fc.property(document, (each) => {
      const problems = problemsOf(each);
      for (const problem of problems) {
        assert.match(problem, /^PIPELINES_FILE: \/p\.yaml, line \d+: \P{Cc}+$/u);
        const line = Number(/line (\d+)/.exec(problem)![1]);
        assert.ok(line >= 1 && line <= each.split(/\r\n|[\r\n]/).length, `${problem} of ${JSON.stringify(each)}`);
      }
      if (problems.length === 0) assert.ok(parse(each).every(({ globs }) => globs.length > 0));
    }),
    { numRuns: 2000 },
  );
});

test.run();
