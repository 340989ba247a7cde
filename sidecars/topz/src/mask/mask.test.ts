import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createMask, MASK } from './mask.ts';
import { isSecretName } from './names.ts';
import { joinWords, splitWords } from './words.ts';

const mask = createMask({ enabled: true });
const PRINTABLE = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%()*+,-./:<=>?@[]^_{|}~';
/** No part of a template, and with something that no template holds. */
const characters = (set: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...set.split('')), { minLength: 4, maxLength: 40 })
    .map((letters) => `Zq${letters.join('')}7Xk`);
const secret = characters(PRINTABLE);
const inUrl = characters(PRINTABLE.replace(/[?#<>]/g, ''));
const word = characters(PRINTABLE.replace(/\W/g, '').concat('-_'));
const anything = fc.string({ minLength: 4, unit: 'binary' }).map((text) => `Zq${text.replaceAll('\0', '')}7Xk`);

const names = fc.constantFrom(
  'password',
  'passwd',
  'db-password',
  'db_password',
  'token',
  'auth-token',
  'access-token',
  'api-key',
  'apikey',
  'client-secret',
  'secret',
  'requirepass',
  'passphrase',
  'storepass',
  'private-key',
);
const variables = fc.constantFrom(
  'PGPASSWORD',
  'MYSQL_ROOT_PASSWORD',
  'MYSQL_PWD',
  'AWS_SECRET_ACCESS_KEY',
  'GITHUB_TOKEN',
  'API_KEY',
  'DJANGO_SECRET_KEY',
  'javax.net.ssl.keyStorePassword',
);

function never(what: string, line: fc.Arbitrary<{ args: string[]; hidden: string }>): void {
  test(`hidden: ${what}`, () => {
    fc.assert(
      fc.property(line, ({ args, hidden }) => {
        const text = mask(args);
        assert.not.ok(text.includes(hidden), `${JSON.stringify(args)} became ${JSON.stringify(text)}`);
        assert.ok(text.includes(MASK), text);
      }),
      { numRuns: 300 },
    );
  });
}

const given = <A>(a: fc.Arbitrary<A>, hidden: fc.Arbitrary<string>, args: (a: A, hidden: string) => string[]) =>
  fc.tuple(a, hidden).map(([name, value]) => ({ args: args(name, value), hidden: value }));

never(
  '--name=VALUE, whatever the value holds',
  given(names, anything, (name, value) => ['app', `--${name}=${value}`, '-v']),
);
never(
  '--name VALUE',
  given(names, anything, (name, value) => ['app', `--${name}`, value, '-v']),
);
never(
  '-name VALUE',
  given(names, anything, (name, value) => ['app', `-${name}`, value]),
);
never(
  'NAME=VALUE',
  given(variables, anything, (name, value) => ['env', `${name}=${value}`, 'app']),
);
never(
  '-DNAME=VALUE',
  given(variables, anything, (name, value) => ['java', `-D${name}=${value}`, '-jar', 'app.jar']),
);
never(
  '-pVALUE of the MySQL family',
  given(fc.constantFrom('mysql', '/usr/bin/mysqldump', 'mariadb'), anything, (program, value) => [
    program,
    '-u',
    'root',
    `-p${value}`,
    'db',
  ]),
);
never(
  '-p VALUE of programs known for it',
  given(fc.constantFrom('sshpass', 'mongosh', 'docker'), anything, (program, value) => [program, '-p', value, 'x']),
);
never(
  'curl -u',
  given(fc.constantFrom('-u', '-sSu'), anything, (flag, value) => ['curl', flag, `joe:${value}`, 'http://a/']),
);
never(
  'htpasswd -b',
  given(fc.constantFrom('-b', '-cb', '-bB'), anything, (flag, value) => ['htpasswd', flag, '/etc/users', 'joe', value]),
);
never(
  'URL with a password',
  given(fc.constantFrom('postgres', 'https', 'amqp', 'mongodb+srv'), inUrl, (scheme, value) => [
    'app',
    `--db=${scheme}://joe:${value}@db.example:5432/shop?x=1`,
  ]),
);
never(
  'URL with a token for a user',
  given(fc.constant(''), word, (_, value) => ['git', 'clone', `https://${value}@git.example/a.git`]),
);
never(
  'query parameter',
  given(names, word, (name, value) => ['curl', `https://a.example/x?page=2&${name}=${value}&y=3`]),
);
for (const line of [
  (value: string, name: string) => ['curl', `https://api/?${name}=${value}`],
  (value: string, name: string) => ['app', `--url=https://api.example/v1?page=2&${name}=${value}`],
  (value: string, name: string) => ['sh', '-c', `curl https://api/?${name}=${value} | jq .`],
  (value: string, name: string) => ['sh', '-c', `curl "https://api/?${name}=${value}"`],
  (value: string, name: string) => ['app', `http://localhost:80/#${name}=${value}`],
  (value: string, name: string) => ['mount', '-t', 'cifs', '-o', `username=u,${name}=${value}`, '//nas/share'],
  (value: string, name: string) => ['mount.cifs', `-ousername=u,${name}=${value}`],
  (value: string, name: string) => ['kubectl', 'create', 'secret', 'generic', 'x', `--from-literal=${name}=${value}`],
])
  never(
    `behind another name: ${line('SECRET', 'token').join(' ')}`,
    given(names, word, (name, value) => line(value, name)),
  );
for (const line of [
  (value: string) => ['curl', '--user', `u:${value}`, 'http://a/'],
  (value: string) => ['curl', `--user=u:${value}`],
  (value: string) => ['curl', '--proxy-user', `u:${value}`],
  (value: string) => ['curl', '--oauth2-bearer', value],
  (value: string) => ['app', '--user', `u:${value}`],
  (value: string) => ['app', `--proxy-user=u:${value}`],
  (value: string) => ['sh', '-c', `fetch --user u:${value} http://a/`],
  (value: string) => ['app', 'Bearer', value],
  (value: string) => ['sh', '-c', `app --header Bearer ${value}`],
  (value: string) => ['http', '-a', `u:${value}`, 'a.example'],
  (value: string) => ['openssl', 'pkcs12', '-passin', `pass:${value}`],
])
  never(
    `credentials: ${line('SECRET').join(' ')}`,
    given(fc.constant(''), word, (_, value) => line(value)),
  );
never(
  'JSON field',
  given(names, anything, (name, value) => ['curl', '-d', JSON.stringify({ user: 'joe', [name]: value })]),
);
never(
  'header',
  given(
    fc.constantFrom('Authorization: Basic', 'authorization:Bearer', 'X-Api-Key:', 'Cookie:'),
    secret,
    (name, value) => ['curl', '-H', `${name} ${value}`, 'http://a/'],
  ),
);
never(
  'header, its words apart',
  given(fc.constant(''), secret, (_, value) => ['http', 'Authorization:', 'Bearer', value]),
);
never(
  'bearer token anywhere',
  given(fc.constant(''), word, (_, value) => ['app', `uses bearer ${value}`]),
);
never(
  'connection string',
  given(fc.constantFrom('password', 'Pwd', 'PWD'), word, (name, value) => [
    'app',
    `host=db user=joe ${name}=${value} dbname=shop`,
  ]),
);
never(
  'command in an argument',
  given(names, word, (name, value) => ['sh', '-c', `cd /srv && app --${name} ${value} --port 80`]),
);
never(
  'command in an argument, quoted',
  given(names, word, (name, value) => ['sh', '-c', `app --${name} 'my ${value}' --port 80`]),
);
never(
  'MySQL in an argument',
  given(fc.constant(''), word, (_, value) => ['bash', '-c', `sleep 1; mysql -u root -p${value} shop`]),
);
never(
  'title that a process gave itself',
  given(names, word, (name, value) => [`worker: job --${name}=${value} running`]),
);
never(
  'JSON web token',
  given(
    fc.constant(''),
    fc.tuple(word, word).map(([a, b]) => `eyJhbGciOiJIUzI1NiJ9.${a}.${b}`),
    (_, value) => ['app', 'run', value],
  ),
);
never(
  'what a known issuer made',
  given(
    fc.constantFrom('ghp_', 'glpat-', 'xoxb-', 'sk_live_'),
    fc.stringMatching(/^[A-Za-z0-9]{24}$/),
    (prefix, value) => ['app', `${prefix}${value}`],
  ),
);
never(
  'private key',
  given(fc.constant(''), word, (_, value) => ['app', `-----BEGIN RSA PRIVATE KEY-----\n${value}`]),
);

for (const args of [
  ['/usr/sbin/apache2', '-DFOREGROUND'],
  ['nginx: master process /usr/sbin/nginx -g daemon off;'],
  ['mysql', '-h', 'db', '-P', '3306', '-p', 'shop'],
  ['ssh', '-p', '2222', 'joe@example.org'],
  ['java', '-Xmx512m', '-jar', '/srv/app.jar', '--server.port=8080'],
  ['app', '--password-file=/run/secrets/db', '--token-file', '/run/token', '--key=/etc/tls.key'],
  ['app', '--db=postgres://joe@db.example:5432/shop', '--url=http://localhost:8080/a@b'],
  ['sh', '-c', 'while true; do date >> /tmp/log; sleep 1; done'],
  ['tail', '-f', '/var/log/passwords-changed.log'],
  ['docker', 'run', '--user', '1000:1000', 'nginx'],
  ['app', '--user', 'joe', '--port', '80'],
  ['curl', 'https://api.example/?page=2&sort=name'],
  ['mount', '-o', 'ro,noexec,uid=1000', '/dev/sda1'],
  ['keyboard', 'monkey', 'author=joe', 'authority: none', 'compass=north'],
  [],
  [''],
])
  test(`left alone: ${args.join(' ')}`, () => assert.is(mask(args), args.join(' ')));

test('any arguments: a text comes back, and what has nothing to hide is as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 8 }), (args) => {
      const text = mask(args);
      if (!text.includes(MASK)) assert.is(text, args.join(' '));
    }),
  );
});

test('time grows with the length, also for texts that are made to be slow', () => {
  for (const text of [
    '"'.repeat(60_000),
    "a='".repeat(20_000),
    'a:'.repeat(30_000),
    'http://'.repeat(9000),
    'x-key'.repeat(12_000),
    `${'a'.repeat(60_000)}=`,
    'password="\\'.repeat(6000),
    'a=b,'.repeat(20_000),
    'token=//'.repeat(10_000),
    '--user u:'.repeat(9000),
    ' -p'.repeat(20_000),
  ]) {
    const begin = process.cpuUsage();
    mask(['app', text, `sh ${text}`]);
    const { user } = process.cpuUsage(begin);
    assert.ok(user < 1_000_000, `${text.slice(0, 12)}… took ${user / 1000} ms of the processor`);
  }
});

test('a pattern of the user is masked, too', () => {
  const own = createMask({ enabled: true, pattern: /(?<=--pin )\d+|CUSTOMER-\w+/g });
  assert.is(own(['app', '--pin', '1234', 'CUSTOMER-77', '--password=a']), 'app --pin *** *** --password=***');
});

test('masking can be turned off', () => {
  assert.is(createMask({ enabled: false, pattern: /a/g })(['app', '--password=b']), 'app --password=b');
});

test('what is left of a masked line still tells what runs', () => {
  assert.is(
    mask(['/usr/bin/psql', 'postgres://joe:hunter2@db:5432/shop', '--set', 'PGPASSWORD=x', '-c', 'select 1']),
    '/usr/bin/psql postgres://joe:***@db:5432/shop --set PGPASSWORD=*** -c select 1',
  );
  assert.is(mask(['curl', '-H', 'Authorization: Bearer abc', 'http://a/']), 'curl -H Authorization: *** http://a/');
});

test('names', () => {
  for (const name of ['PGPASSWORD', '--db-password', 'authToken', 'x.api_key', 'secretKey', 'MYSQL_PWD', 'SECRET_ID'])
    assert.ok(isSecretName(name), name);
  for (const name of [
    '--port',
    'passenger',
    'tokenizer',
    '--password-file',
    'key',
    'author',
    'compass',
    'KEYBOARD',
    '',
  ])
    assert.not.ok(isSecretName(name), name);
});

test('words are put together as they were', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.is(joinWords(splitWords(text)), text)));
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', ' ', '"', "'", '\\', '\n')), (parts) =>
      assert.is(joinWords(splitWords(parts.join(''))), parts.join('')),
    ),
  );
  assert.equal(splitWords(`a 'b c' "d \\" e"f g\\ h`).words, ['a', `'b c'`, `"d \\" e"f`, 'g\\ h']);
});

test.run();
