import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { ConfigurationError, readParameters, type Parameters, type Problem, type Source } from './parameters.ts';

const DECLARED = {
  UPDATE_PERIOD: {
    type: 'duration',
    unit: 's',
    default: '60s',
    description: 'Time between two updates',
    deprecated: ['UPDATE_FREQUENCY', 'UPDATE_EVERY'],
  },
  UPDATE_SOURCE: { type: 'url', required: true, description: 'Where updates come from' },
  UPDATE_TOKEN: {
    type: 'string',
    secret: true,
    pattern: /^\w+$/,
    description: 'Token for the source',
    deprecated: ['UPDATE_PASSWORD'],
  },
  UPDATE_PORT: { type: 'port', default: '8080', description: 'Port of hooks' },
  WORKERS: { type: 'integer', description: 'Processes' },
} as const satisfies Parameters;

const SOURCE = 'http://source';
const files = (path: string): string => {
  const content = (
    { '/token': 'abc\n', '/windows': 'abc\r\n', '/empty': '\n', '/lines': 'abc\n\n' } as Record<string, string>
  )[path];
  if (content === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
  return content;
};
const read = (env: Source['env'], args: readonly string[] = []) =>
  readParameters(DECLARED, { env: { UPDATE_SOURCE: SOURCE, ...env }, args, prefixes: ['UPDATE_'], readFile: files });

function problems(env: Source['env'], args: readonly string[] = []): readonly Problem[] {
  try {
    read(env, args);
  } catch (error) {
    assert.instance(error, ConfigurationError);
    return (error as ConfigurationError).problems;
  }
  throw new Error('it was accepted');
}
const messages = (env: Source['env'], args: readonly string[] = []): string[] =>
  problems(env, args).map(({ message }) => message);

test('values come from the environment, and else are the defaults', () => {
  assert.equal(read({ WORKERS: '3' }), {
    values: { UPDATE_PERIOD: 60_000, UPDATE_SOURCE: SOURCE, UPDATE_PORT: 8080, WORKERS: 3 },
    warnings: [],
  });
});

test('an empty value counts as not set', () => {
  assert.is(read({ UPDATE_PORT: '', UPDATE_TOKEN: '', UPDATE_TOKEN_FILE: '' }).values.UPDATE_PORT, 8080);
  assert.match(messages({ UPDATE_SOURCE: '' })[0]!, /^UPDATE_SOURCE is not set; it is required: an absolute http:/);
});

test('everything that is wrong is said in one go', () => {
  const found = problems({ UPDATE_SOURCE: undefined, UPDATE_PORT: '70000', UPDATE_PERIOD: 'often', UPDATE_PROT: '1' }, [
    '--workers',
    'x',
  ]);
  assert.equal(found.map(({ parameter, reason }) => `${parameter} ${reason}`).toSorted(), [
    'UPDATE_PERIOD malformed',
    'UPDATE_PORT malformed',
    'UPDATE_PROT unknown',
    'UPDATE_SOURCE missing',
    'WORKERS malformed',
  ]);
  assert.ok(
    found.some(({ message }) => message === 'UPDATE_PORT: "70000" is out of range; accepted is a port, 1 to 65535'),
  );
  assert.ok(
    found.some(({ message }) => message === '--workers: "x" is not a whole number; accepted is a whole number'),
  );
});

test('a former name is read, with a warning', () => {
  assert.equal(read({ UPDATE_FREQUENCY: '5' }), {
    values: { UPDATE_PERIOD: 5000, UPDATE_SOURCE: SOURCE, UPDATE_PORT: 8080 },
    warnings: ['UPDATE_FREQUENCY is deprecated and will go: use UPDATE_PERIOD'],
  });
});

test("a former name beats the image's ENV, which holds the default under the new name", () => {
  assert.is(read({ UPDATE_PERIOD: '60s', UPDATE_FREQUENCY: '5' }).values.UPDATE_PERIOD, 5000);
});

test('new and former name with one value are taken, in whichever spelling', () => {
  assert.is(read({ UPDATE_PERIOD: '2m', UPDATE_FREQUENCY: '2m' }).values.UPDATE_PERIOD, 120_000);
  assert.is(read({ UPDATE_PERIOD: '2m', UPDATE_FREQUENCY: '120' }).values.UPDATE_PERIOD, 120_000);
});

test('new and former names with different values are an error that names both', () => {
  assert.equal(messages({ UPDATE_PERIOD: '2m', UPDATE_FREQUENCY: '5' }), [
    'UPDATE_PERIOD and UPDATE_FREQUENCY (deprecated) are both set, to different values: keep UPDATE_PERIOD only',
  ]);
  assert.equal(messages({ UPDATE_FREQUENCY: '5', UPDATE_EVERY: '6' }), [
    'UPDATE_FREQUENCY and UPDATE_EVERY (deprecated) are both set, to different values: keep UPDATE_PERIOD only',
  ]);
});

test('a malformed value is reported under the name that the user gave it', () => {
  assert.match(
    messages({ UPDATE_FREQUENCY: 'often' })[0]!,
    /^UPDATE_FREQUENCY: "often" is not a duration; accepted is/,
  );
});

test('a secret comes from a file, without the newline at its end', () => {
  for (const path of ['/token', '/windows']) assert.is(read({ UPDATE_TOKEN_FILE: path }).values.UPDATE_TOKEN, 'abc');
  assert.equal(read({ UPDATE_PASSWORD_FILE: '/token' }).warnings, [
    'UPDATE_PASSWORD_FILE is deprecated and will go: use UPDATE_TOKEN',
  ]);
});

test("a secret's file that cannot be used is named, its content is not", () => {
  assert.equal(messages({ UPDATE_TOKEN_FILE: '/none' }), [
    'UPDATE_TOKEN_FILE: /none cannot be read (ENOENT); accepted is a readable file that holds the value',
  ]);
  assert.equal(messages({ UPDATE_TOKEN_FILE: '/empty' }), [
    'UPDATE_TOKEN_FILE: /empty is empty; accepted is a file that holds the value',
  ]);
  assert.equal(messages({ UPDATE_TOKEN_FILE: '/token', UPDATE_TOKEN: 'abc' }), [
    'UPDATE_TOKEN and UPDATE_TOKEN_FILE are both set: keep one',
  ]);
  assert.match(
    messages({ UPDATE_TOKEN_FILE: '/lines' })[0]!,
    /^UPDATE_TOKEN_FILE: the value holds a control character/,
  );
});

test('the password in a URL is not in a message', () => {
  for (const text of [
    'https://elastic:hunter2@store:9200',
    `https://elastic:hunter2${'x'.repeat(80)}@store`,
    'a,http://u:hunter2@h/?q',
  ]) {
    const declared = { STORE_URL: { type: 'list', pattern: /^https?:\/\/[^@?]+$/, description: 'x' } } as const;
    let message = '';
    try {
      readParameters(declared, { env: { STORE_URL: text } });
    } catch (error) {
      ({ message } = error as Error);
    }
    assert.match(message, /STORE_URL/);
    assert.not.match(message, /hunter2/);
  }
});

test('a secret is never in a message', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.constantFrom('UPDATE_TOKEN', 'UPDATE_PASSWORD'), (secret, name) => {
      fc.pre(
        !/^\w+$/.test(secret) &&
          !'UPDATE_TOKEN: the value is malformed; accepted any text holds a control character'.includes(secret.trim()),
      );
      assert.not(
        messages({ [name]: secret })
          .join('\n')
          .includes(secret),
      );
    }),
  );
  assert.match(messages({}, ['--update-token', 'hush hush'])[0]!, /^--update-token: the value is malformed/);
});

test('only a secret may be given as a file', () => {
  assert.match(messages({ UPDATE_PORT_FILE: '/token' })[0]!, /^UPDATE_PORT_FILE is not a parameter of this sidecar/);
});

test("an unknown name of the prefix is an error with a suggestion, others are nobody's business", () => {
  assert.equal(messages({ UPDATE_PEROID: '5' }), [
    'UPDATE_PEROID is not a parameter of this sidecar; did you mean UPDATE_PERIOD?; see --help for those it has',
  ]);
  assert.equal(messages({ UPDATE_ZZZZZZZZZZZZZZZZZ: '5' }), [
    'UPDATE_ZZZZZZZZZZZZZZZZZ is not a parameter of this sidecar; see --help for those it has',
  ]);
  assert.is(read({ OTHER: 'x', PATH: '/bin', UPDATED: 'x' }).warnings.length, 0);
});

test("Kubernetes' service links of a service that has our prefix's name are no parameters", () => {
  const links = {
    UPDATE_SERVICE_HOST: '10.0.0.1',
    UPDATE_SERVICE_PORT: '80',
    UPDATE_SERVICE_PORT_HTTP: '80',
    UPDATE_PORT_80_TCP: 'tcp://10.0.0.1:80',
    UPDATE_PORT_80_TCP_PROTO: 'tcp',
    UPDATE_PORT_80_TCP_PORT: '80',
    UPDATE_PORT_80_TCP_ADDR: '10.0.0.1',
    UPDATE_HOOKS_PORT: 'tcp://10.0.0.1:80',
  };
  assert.equal(read(links).warnings, []);
});

test('a flag overrides the environment, in both of its forms', () => {
  assert.is(read({ UPDATE_PORT: '1' }, ['--update-port', '2']).values.UPDATE_PORT, 2);
  assert.is(read({ UPDATE_PORT: '1' }, ['--update-port=3']).values.UPDATE_PORT, 3);
  assert.is(read({ UPDATE_FREQUENCY: '9' }, ['--update-period', '5']).values.UPDATE_PERIOD, 5000);
});

test("a former name's flag is read, with a warning, and may not contradict", () => {
  assert.equal(read({}, ['--update-frequency', '5']).warnings, [
    '--update-frequency is deprecated and will go: use --update-period',
  ]);
  assert.equal(messages({}, ['--update-frequency', '5', '--update-period', '6']), [
    '--update-period and --update-frequency (deprecated) are both set, to different values: keep --update-period only',
  ]);
});

test('flags that are none are errors', () => {
  assert.equal(messages({}, ['--update-prot', '1']).slice(0, 1), [
    '--update-prot is not a flag of this program; did you mean --update-port?; see --help',
  ]);
  assert.match(messages({}, ['--update-port'])[0]!, /^--update-port has no value; accepted is a port/);
  assert.match(messages({}, ['8080'])[0]!, /^8080: not a flag; accepted are --update-period, /);
  assert.match(messages({}, ['-p'])[0]!, /^-p is not a flag/);
  for (const name of ['__proto__', 'constructor']) assert.is(problems({}, [`--${name}`]).length, 1);
});

test('whatever the environment holds, the answer is values or a list of problems', () => {
  const names = fc.constantFrom(
    'UPDATE_PERIOD',
    'UPDATE_FREQUENCY',
    'UPDATE_EVERY',
    'UPDATE_SOURCE',
    'UPDATE_TOKEN',
    'UPDATE_TOKEN_FILE',
    'UPDATE_PORT',
    'WORKERS',
    'UPDATE_X',
    'X',
  );
  const texts = fc.oneof(fc.constantFrom('60s', '5', '', SOURCE, '/token', '/none', 'abc'), fc.string());
  fc.assert(
    fc.property(
      fc.dictionary(names, texts),
      fc.array(fc.oneof(texts, fc.constantFrom('--update-port', '--workers=2', '--', '--x'))),
      (env, args) => {
        try {
          const { values } = readParameters(DECLARED, { env, args, prefixes: ['UPDATE_'], readFile: files });
          assert.ok(values.UPDATE_PERIOD >= 0 && values.UPDATE_PORT > 0 && values.UPDATE_SOURCE.startsWith('http'));
        } catch (error) {
          assert.instance(error, ConfigurationError, String(error));
          for (const problem of (error as ConfigurationError).problems) assert.ok(problem.message !== '');
        }
      },
    ),
  );
});

test.run();
