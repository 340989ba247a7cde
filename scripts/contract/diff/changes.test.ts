import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contractDocument, defineContract, type ContractDocument } from '#kit/contract/contract.ts';
import type { LogMembers } from '#kit/contract/logs.ts';
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';
import type { Parameter } from '#kit/contract/parameter-types.ts';
import type { Parameters } from '#kit/contract/parameters.ts';
import { compareContracts } from './changes.ts';

const FREQUENCY: Parameter = {
  type: 'duration',
  unit: 's',
  default: '60s',
  description: 'How often the source is asked for updates',
};

function sync(
  parameters: Parameters,
  more: {
    version?: string;
    metrics?: MetricDeclarations;
    endpoints?: Record<string, string>;
    exitCodes?: Record<string, string>;
    signals?: Record<string, string>;
    user?: string;
    prefixes?: string[];
    port?: string;
    adminPort?: string;
    accessLines?: { readonly message: string; readonly members: LogMembers };
  } = {},
): ContractDocument {
  const { port, metrics = {}, ...rest } = more;
  return contractDocument(
    defineContract({
      name: 'sync',
      version: '1.0.0',
      description: 'Keeps a copy up to date.',
      prefixes: ['UPDATE_'],
      adminPort: '9902',
      metrics,
      ...rest,
      parameters: {
        ...parameters,
        ...(port !== undefined && { UPDATE_PORT: { type: 'port', default: port, description: 'A port' } }),
      },
      ports: port === undefined ? {} : { hooks: { parameter: 'UPDATE_PORT', description: 'hooks' } },
    }),
  );
}

const lines = (before: ContractDocument, after: ContractDocument): string[] =>
  compareContracts(before, after).map(({ impact, subject, what }) => `${impact}: ${subject} ${what}`);
const text = (extra: Partial<Parameter> = {}): Parameter =>
  ({ type: 'string', description: 'Some words about it', ...extra }) as Parameter;

test('nothing changed, nothing said', () => {
  assert.equal(lines(sync({ UPDATE_FREQUENCY: FREQUENCY }), sync({ UPDATE_FREQUENCY: FREQUENCY })), []);
});

test('UPDATE_FREQUENCY renamed to UPDATE_PERIOD with the alias breaks nobody', () => {
  assert.equal(
    lines(
      sync({ UPDATE_FREQUENCY: FREQUENCY }),
      sync({ UPDATE_PERIOD: { ...FREQUENCY, deprecated: ['UPDATE_FREQUENCY'] } }),
    ),
    [
      'addition: parameter UPDATE_FREQUENCY is now called UPDATE_PERIOD, and understood by its old name as a deprecated alias',
    ],
  );
});

test('without the alias it breaks, and the sentence says how not to', () => {
  const [change, ...others] = compareContracts(
    sync({ UPDATE_FREQUENCY: FREQUENCY }),
    sync({ UPDATE_PERIOD: { ...FREQUENCY, description: 'Time between two looks' } }),
  );
  assert.equal(others, []);
  assert.equal(change, {
    impact: 'breaking',
    subject: 'parameter UPDATE_FREQUENCY',
    what: 'was renamed to UPDATE_PERIOD, and its old name is an error now',
    advice:
      "declare UPDATE_PERIOD with deprecated: ['UPDATE_FREQUENCY'], and anyone who sets UPDATE_FREQUENCY gets a warning instead.",
  });
});

test('with another unit it breaks even with the alias', () => {
  const milliseconds: Parameter = { ...FREQUENCY, unit: 'ms', deprecated: ['UPDATE_FREQUENCY'] } as Parameter;
  assert.equal(lines(sync({ UPDATE_FREQUENCY: FREQUENCY }), sync({ UPDATE_PERIOD: milliseconds })), [
    'addition: parameter UPDATE_FREQUENCY is now called UPDATE_PERIOD, and understood by its old name as a deprecated alias',
    'breaking: parameter UPDATE_PERIOD counted in s and now counts in ms (and so does UPDATE_FREQUENCY): the same number means something else',
  ]);
  const [change] = compareContracts(
    sync({ UPDATE_FREQUENCY: FREQUENCY }),
    sync({ UPDATE_PERIOD: { ...milliseconds, deprecated: [] } as Parameter }),
  );
  assert.match(change!.advice!, /Mind that its unit changes too, from s to ms, which an alias cannot hide/);
});

test('the alias may not be dropped later, nor come to mean something else', () => {
  const before = sync({ UPDATE_PERIOD: { ...FREQUENCY, deprecated: ['UPDATE_FREQUENCY'] } });
  assert.equal(lines(before, sync({ UPDATE_PERIOD: FREQUENCY })), [
    'breaking: alias UPDATE_FREQUENCY of UPDATE_PERIOD is gone',
  ]);
  assert.equal(
    lines(before, sync({ UPDATE_PERIOD: FREQUENCY, UPDATE_OTHER: text({ deprecated: ['UPDATE_FREQUENCY'] }) })),
    [
      'breaking: alias UPDATE_FREQUENCY of UPDATE_PERIOD now means UPDATE_OTHER',
      'addition: parameter UPDATE_OTHER is new',
    ],
  );
  assert.equal(
    lines(before, sync({ UPDATE_EVERY: { ...FREQUENCY, deprecated: ['UPDATE_FREQUENCY', 'UPDATE_PERIOD'] } })).map(
      (line) => line.split(':')[0],
    ),
    ['addition'],
  );
});

const PARAMETER_CASES: readonly [name: string, before: Parameter, after: Parameter, expected: readonly string[]][] = [
  [
    'another default',
    text({ default: 'a' }),
    text({ default: 'b' }),
    ['breaking: parameter X had the default "a" and now has the default "b"'],
  ],
  [
    'no default any more',
    text({ default: 'a' }),
    text(),
    ['breaking: parameter X had the default "a" and now has no default'],
  ],
  [
    'a default where none was',
    text(),
    text({ default: 'a' }),
    ['breaking: parameter X had no default and now has the default "a"'],
  ],
  ['newly required', text({ default: 'a' }), text({ required: true }), ['breaking: parameter X is now required']],
  [
    'no longer required',
    text({ required: true }),
    text({ default: 'a' }),
    ['addition: parameter X is no longer required'],
  ],
  [
    'another type',
    text(),
    { type: 'path', description: 'Some words about it' },
    ['breaking: parameter X was of type string and is now of type path'],
  ],
  ['another sentence', text(), text({ description: 'Other words' }), ['wording: parameter X is described otherwise']],
  ['a new alias', text(), text({ deprecated: ['Y'] }), ['addition: alias Y of X is new']],
  ['secret', text(), text({ secret: true }), ['addition: parameter X is now a secret, and may be given as X_FILE']],
  [
    'secret no more',
    text({ secret: true }),
    text(),
    ['breaking: parameter X is no longer a secret: X_FILE is an error now'],
  ],
  [
    'choices',
    { type: 'enum', values: ['a', 'b'], description: 'd' },
    { type: 'enum', values: ['b', 'c'], description: 'd' },
    ['breaking: parameter X no longer takes a', 'addition: parameter X also takes c'],
  ],
  [
    'narrower bounds',
    { type: 'integer', min: 1, description: 'd' },
    { type: 'integer', min: 2, max: 9, description: 'd' },
    ['breaking: parameter X took 1 and more and now takes 2 to 9'],
  ],
  [
    'wider bounds',
    { type: 'integer', min: 1, max: 5, description: 'd' },
    { type: 'integer', max: 9, description: 'd' },
    ['addition: parameter X took 1 to 5 and now takes up to 9'],
  ],
  [
    'a first bound',
    { type: 'duration', unit: 's', description: 'd' },
    { type: 'duration', unit: 's', min: 100, description: 'd' },
    ['breaking: parameter X took any and now takes 100 and more'],
  ],
  [
    'another pattern',
    text({ accepts: 'a word' }),
    text({ accepts: 'two words' }),
    ['addition: parameter X took "a word" and now takes "two words"'],
  ],
  [
    'a narrower pattern under the same words',
    text({ accepts: 'a word', pattern: /^[a-z]+$/ }),
    text({ accepts: 'a word', pattern: /^[a-y]+$/ }),
    ['breaking: parameter X no longer takes "z"'],
  ],
  [
    'other words for the same pattern',
    text({ accepts: 'a word', pattern: /^[a-z]+$/ }),
    text({ accepts: 'letters', pattern: /^[a-z]+$/ }),
    ['wording: parameter X took "a word" and now takes "letters", by the same pattern'],
  ],
  [
    'a default that is written otherwise',
    { type: 'duration', unit: 's', default: '5s', description: 'd' },
    { type: 'duration', unit: 's', default: '5000ms', description: 'd' },
    ['wording: parameter X writes its default as 5000ms, which is the same'],
  ],
  [
    'a size that is written otherwise',
    { type: 'size', unit: 'bytes', default: '1MiB', description: 'd' },
    { type: 'size', unit: 'bytes', default: '1024KiB', description: 'd' },
    ['wording: parameter X writes its default as 1024KiB, which is the same'],
  ],
  [
    'a default that looks alike and is another',
    { type: 'duration', unit: 's', default: '5s', description: 'd' },
    { type: 'duration', unit: 's', default: '5ms', description: 'd' },
    ['breaking: parameter X had the default "5s" and now has the default "5ms"'],
  ],
];

for (const [name, before, after, expected] of PARAMETER_CASES) {
  test(`a parameter: ${name}`, () => assert.equal(lines(sync({ X: before }), sync({ X: after })), expected));
}

test('parameters that come and go', () => {
  assert.equal(lines(sync({ UPDATE_URL: text() }), sync({})), ['breaking: parameter UPDATE_URL is gone']);
  assert.equal(lines(sync({}), sync({ UPDATE_URL: text() })), ['addition: parameter UPDATE_URL is new']);
  assert.equal(lines(sync({}), sync({ UPDATE_URL: text({ required: true }) })), [
    'breaking: parameter UPDATE_URL is new and required',
  ]);
  assert.equal(
    lines(sync({ UPDATE_URL: text() }), sync({ LIMIT: { type: 'integer', description: 'Something else altogether' } })),
    ['breaking: parameter UPDATE_URL is gone', 'addition: parameter LIMIT is new'],
  );
});

test('ports', () => {
  assert.equal(
    lines(sync({}, { port: '80' }), sync({ UPDATE_PORT: { type: 'port', default: '80', description: 'A port' } })),
    ['breaking: port hooks is gone'],
  );
  assert.ok(
    lines(sync({}, { port: '80' }), sync({}, { port: '81' })).includes(
      'breaking: port hooks was 80 by default and is now 81',
    ),
  );
  assert.ok(lines(sync({}), sync({}, { port: '80' })).includes('addition: port hooks is new'));
  assert.ok(
    lines(sync({}), sync({}, { adminPort: '9' })).includes('breaking: port admin was 9902 by default and is now 9'),
  );
});

test('endpoints, metrics, signals, exit codes, user and prefixes', () => {
  const metrics = (metric: MetricDeclarations[string]): { metrics: MetricDeclarations } => ({
    metrics: { m_total: metric },
  });
  const counter = { type: 'counter', help: 'h', labels: ['a', 'b'] } as const;
  const cases: [More, More, readonly string[]][] = [
    [{ endpoints: { '/x': 'x' } }, {}, ['breaking: endpoint /x is gone']],
    [
      { endpoints: { '/x': 'x' } },
      { endpoints: { '/x': 'y', '/z': 'z' } },
      ['wording: endpoint /x is described otherwise', 'addition: endpoint /z is new'],
    ],
    [metrics(counter), {}, ['breaking: metric m_total is gone']],
    [{}, metrics(counter), ['addition: metric m_total is new']],
    [
      metrics(counter),
      metrics({ ...counter, type: 'gauge' }),
      ['breaking: metric m_total was a counter and is now a gauge'],
    ],
    [metrics(counter), metrics({ ...counter, labels: ['b', 'a'] }), []],
    [
      metrics(counter),
      metrics({ ...counter, labels: ['a'] }),
      ['breaking: metric m_total had the labels a, b and now has a'],
    ],
    [metrics(counter), metrics({ ...counter, help: 'i' }), ['wording: metric m_total is described otherwise']],
    [
      metrics({ type: 'histogram', help: 'h', buckets: [0.1, 1, 10] }),
      metrics({ type: 'histogram', help: 'h', buckets: [0.1, 5, 10] }),
      [
        'breaking: metric m_total no longer has the bucket le="1"',
        'addition: metric m_total also has the bucket le="5"',
      ],
    ],
    [
      metrics({ type: 'histogram', help: 'h' }),
      metrics({ type: 'histogram', help: 'h', buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] }),
      ['breaking: metric m_total no longer has the bucket le="10"'],
    ],
    [{ exitCodes: { 3: 'x' } }, { exitCodes: { 3: 'y' } }, ['breaking: exit code 3 was "x" and is now "y"']],
    [{ signals: { SIGHUP: 'reload' } }, {}, ['breaking: signal SIGHUP is gone']],
    [{}, { signals: { SIGHUP: 'reload' } }, ['addition: signal SIGHUP is new']],
    [{}, { user: '0:0' }, ['breaking: user was "65532:65532" and is now "0:0"']],
    [
      {},
      { prefixes: ['UPDATE_', 'SYNC_'] },
      [
        'breaking: prefix SYNC_ now belongs to this sidecar: a variable that begins so and is no parameter was ignored and is an error now',
      ],
    ],
    [{}, { prefixes: [] }, ['addition: prefix UPDATE_ no longer belongs to this sidecar']],
    [{}, { prefixes: ['UPDATE_X_'] }, ['addition: prefix UPDATE_ no longer belongs to this sidecar']],
  ];
  for (const [before, after, expected] of cases) assert.equal(lines(sync({}, before), sync({}, after)), expected);
});

test('a contract from before patterns and health checks were written down', () => {
  const { healthcheck: _, ...before } = JSON.parse(
    JSON.stringify(sync({ X: text({ pattern: /^[a-z]+$/ }) }), (key, value: unknown) =>
      key === 'pattern' ? undefined : value,
    ),
  ) as ContractDocument;
  assert.equal(lines(before as ContractDocument, sync({ X: text({ pattern: /^[a-y]+$/ }) })), []);
});

test('another health check breaks', () => {
  assert.equal(lines(sync({}), { ...sync({}), healthcheck: '/readyz' }), [
    'breaking: health check asked for /startupz and now asks for /readyz: the container is healthy at another time',
  ]);
});

test('a member of log lines that is gone or has another name breaks, and a new one does not', () => {
  const status = { type: 'count', description: 'd' } as const;
  const access = (members: LogMembers): More => ({ accessLines: { message: 'request', members } });
  assert.ok(lines(sync({}, access({ status })), sync({})).includes('breaking: access log member status is gone'));
  assert.equal(lines(sync({}, access({ status })), sync({}, access({ status: { ...status, type: 'text' } }))), [
    'breaking: access log member status was "http.response.status_code: count" and is now "http.response.status_code: text"',
  ]);
  assert.equal(lines(sync({}, access({ status })), sync({}, access({ status, route: status }))), [
    'addition: access log member route is new',
  ]);
});

type More = NonNullable<globalThis.Parameters<typeof sync>[1]>;

test.run();
