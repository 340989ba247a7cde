import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { DocumentError, parseDocument } from './document.ts';
import type { Timing } from './target.ts';

const DEFAULTS: Timing = { initialDelay: 1, period: 2, timeout: 3, failureThreshold: 4, gracePeriod: 5 };
const parse = (text: string) => parseDocument(text, DEFAULTS);

test("Kubernetes' fields are read, and what is absent is the default", () => {
  const [web, db, cache] = parse(`
    - name: web
      process: nginx
      livenessProbe:
        httpGet:
          port: 8080
          path: /well?now
          host: localhost
          scheme: HTTP
          httpHeaders: [{ name: X-Probe, value: "yes" }]
        initialDelaySeconds: 10
        periodSeconds: 20
        timeoutSeconds: 30
        failureThreshold: 40
        successThreshold: 1
        terminationGracePeriodSeconds: 50
    - name: db
      livenessProbe: { tcpSocket: { port: 5432, host: "::1" } }
    - { name: cache, livenessProbe: { process: {} } }
  `);
  assert.equal(web, {
    name: 'web',
    process: 'nginx',
    check: { kind: 'http', url: 'http://localhost:8080/well?now', headers: { 'X-Probe': 'yes' } },
    initialDelay: 10_000,
    period: 20_000,
    timeout: 30_000,
    failureThreshold: 40,
    gracePeriod: 50_000,
  });
  assert.equal(db, { name: 'db', process: 'db', check: { kind: 'tcp', host: '::1', port: 5432 }, ...DEFAULTS });
  assert.equal(cache, { name: 'cache', process: 'cache', check: { kind: 'process', name: 'cache' }, ...DEFAULTS });
});

test('a startupProbe has the same fields, and defaults of its own', () => {
  const [web] = parse(`
    - name: web
      livenessProbe: &quickly { httpGet: { port: 8080 }, periodSeconds: 1 }
      startupProbe: { <<: *quickly, failureThreshold: 60 }
  `);
  const check = { kind: 'http', url: 'http://127.0.0.1:8080/', headers: {} } as const;
  const liveness = { ...DEFAULTS, check, period: 1000 };
  assert.equal(web, { name: 'web', process: 'web', ...liveness, startup: { ...liveness, failureThreshold: 60 } });
});

const BAD: readonly [text: string, mistake: RegExp][] = [
  ['', /not a list of containers/],
  ['name: web', /not a list of containers/],
  ['- [', /^no YAML: /],
  ['- web', /^\[0\] is not a mapping with the fields name, process, livenessProbe, startupProbe$/m],
  ['- { process: x, livenessProbe: { process: {} } }', /^\[0\]\.name is missing$/m],
  ['- { name: "a b", livenessProbe: { process: {} } }', /^\[0\]\.name is "a b"; accepted is a name of letters/m],
  ['- { name: web }', /^\[0\]\.livenessProbe is missing$/m],
  ['- { name: web, livenessProbe: { httpGet: { port: 80 } }, image: x }', /^\[0\]\.image is not a field$/m],
  [
    '- { name: web, livenessProbe: { httpGet: { port: 80 }, periodSecond: 1 } }',
    /^\[0\]\.livenessProbe\.periodSecond is not a field; did you mean periodSeconds\?$/m,
  ],
  ['- { name: web, livenessProbe: {} }', /has none of httpGet, tcpSocket, process; it needs one/],
  [
    '- { name: web, livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }',
    /has httpGet and tcpSocket of .*; it needs one/,
  ],
  ['- { name: web, livenessProbe: { httpGet: {} } }', /^\[0\]\.livenessProbe\.httpGet\.port is missing$/m],
  [
    '- { name: web, livenessProbe: { tcpSocket: { port: 70000 } } }',
    /port is 70000; accepted is a whole number, 1 to 65535/,
  ],
  ['- { name: web, livenessProbe: { tcpSocket: { port: http } } }', /port is "http"; accepted is a whole number/],
  ['- { name: web, livenessProbe: { httpGet: { port: 80, path: nowhere } } }', /path is "nowhere"; accepted is a path/],
  ['- { name: web, livenessProbe: { httpGet: { port: 80, scheme: HTTPS } } }', /scheme is "HTTPS"; accepted is HTTP;/],
  [
    '- { name: web, livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: "a b" }] } } }',
    /httpHeaders\[0\]\.name is "a b"; accepted is a header name/,
  ],
  [
    '- { name: web, livenessProbe: { process: {}, successThreshold: 2 } }',
    /successThreshold is 2; accepted is 1 for a livenessProbe/,
  ],
  [
    '- { name: web, livenessProbe: { process: {} }, startupProbe: { process: {}, successThreshold: 2 } }',
    /startupProbe\.successThreshold is 2; accepted is 1 for a startupProbe/,
  ],
  [
    '- { name: web, livenessProbe: { process: {} }, startupProbe: {} }',
    /startupProbe has none of httpGet, tcpSocket, process; it needs one/,
  ],
  ['- { name: web, startupProbe: { process: {} } }', /^\[0\]\.livenessProbe is missing$/m],
  [
    '- { name: web, livenessProbe: { process: {}, periodSeconds: 0.5 } }',
    /periodSeconds is 0.5; accepted is a whole number, 1 to/,
  ],
  [
    '- { name: web, livenessProbe: { process: { name: "rm -rf" } } }',
    /process\.name is "rm -rf"; accepted is the name of a process/,
  ],
  [
    '- { name: web, livenessProbe: { process: {} } }\n- { name: web, livenessProbe: { process: {} } }',
    /^the name web is given twice$/m,
  ],
];

for (const [text, mistake] of BAD) {
  test(`a mistake is named by its place: ${text.replaceAll('\n', ' ')}`, () => {
    assert.throws(
      () => parse(text),
      (error: Error) => error instanceof DocumentError && mistake.test(error.message),
    );
  });
}

test('all mistakes are found in one go', () => {
  try {
    parse('- { name: web, livenessProbe: { tcpSocket: {}, periodSeconds: x } }\n- { name: db }');
    assert.unreachable();
  } catch (error) {
    assert.is((error as DocumentError).mistakes.length, 3);
  }
});

test('a bomb of aliases is refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `&l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`);
  assert.throws(
    () => parse(`- &l0 { name: web }\n${levels.map((each) => `- ${each}`).join('\n')}`),
    (error: Error) => error instanceof DocumentError,
  );
});

test('a document that contains itself is refused', () => {
  for (const text of [
    '- &x\n  name: *x',
    '&x\n- livenessProbe: *x',
    '- name: web\n  livenessProbe: &x\n    httpGet: *x',
  ])
    assert.throws(
      () => parse(text),
      (error: Error) => error instanceof DocumentError && /contains itself/.test(error.message),
    );
});

test('any text is read or refused with a DocumentError', () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const field = fc.constantFrom(
    'name',
    'process',
    'livenessProbe',
    'httpGet',
    'tcpSocket',
    'port',
    'periodSeconds',
    '__proto__',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(field, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const text = fc.oneof(
    fc.string(),
    tree.map((value) => stringify(value)),
    tree.map((value) => stringify([value])),
  );
  fc.assert(
    fc.property(text, (each) => {
      try {
        assert.ok(parse(each).length > 0);
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test('whatever is accepted is what was written', () => {
  const seconds = fc.integer({ min: 1, max: 86_400 });
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z]([a-z0-9.-]{0,20}[a-z0-9])?$/),
      fc.integer({ min: 1, max: 65_535 }),
      seconds,
      seconds,
      fc.integer({ min: 1, max: 1000 }),
      (name, port, period, timeout, failureThreshold) => {
        const livenessProbe = { tcpSocket: { port }, periodSeconds: period, timeoutSeconds: timeout, failureThreshold };
        assert.equal(parse(stringify([{ name, livenessProbe }])), [
          {
            ...DEFAULTS,
            name,
            process: name,
            check: { kind: 'tcp', host: '127.0.0.1', port },
            period: period * 1000,
            timeout: timeout * 1000,
            failureThreshold,
          },
        ]);
      },
    ),
  );
});

test.run();
