/** The broker's file: what it may say, and the error for its writer when it says something else. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DocumentRefused, MAX_BYTES, readDocument } from './document.ts';

const refusalOf = (text: string): string => {
  try {
    readDocument(text);
  } catch (error) {
    assert.instance(error, DocumentRefused, text.slice(0, 200));
    return (error as Error).message;
  }
  throw new Error(`taken: ${text.slice(0, 200)}`);
};

test('YAML and JSON say the same', () => {
  const yaml = readDocument(`
services:
  shop:
    port: 8080
    protocol: http
    servers: [shop-1:8000, "[2001:db8::1]:8000"]
  database:
    port: 5432
    servers:
      - db-1:5432
    drain: { grace: 10s, quiet: 200ms, limit: never }
`);
  assert.equal(yaml.get('shop'), {
    name: 'shop',
    port: 8080,
    protocol: 'http',
    servers: [
      { host: 'shop-1', port: 8000 },
      { host: '2001:db8::1', port: 8000 },
    ],
    drain: { grace: 0, quiet: 1000, limit: 300_000 },
  });
  assert.equal(yaml.get('database')!.drain, { grace: 10_000, quiet: 200, limit: Infinity });
  const json = readDocument(
    '{"services": {"database": {"port": 5432, "servers": ["db-1:5432"], "drain": {"grace": "10s", "quiet": "200ms", "limit": "never"}}}}',
  );
  assert.equal(json.get('database'), yaml.get('database'));
});

const ONE = 'services:\n  shop:\n    port: 8080\n    servers: [shop-1:8000]\n';
const WRONG: readonly (readonly [text: string, refusal: RegExp])[] = [
  ['', /^line 1: the file is empty/],
  ['garbage', /^line 1: the file is a value; accepted is a mapping/],
  ['services: [', /^line \d+: /],
  ['servicez:\n  shop: {}\n', /^line 1: the file: "servicez" is not known.*services/],
  [`${ONE}    colour: red\n`, /^line 5: shop: "colour" is not known.*port, protocol, servers, drain/],
  [ONE.replace('8080', '"8080"'), /^line 3: shop.port is "8080"; accepted is a number from 1 to 65535/],
  [ONE.replace('8080', '0'), /^line 3: shop.port is 0/],
  [ONE.replace('[shop-1:8000]', 'shop-1:8000'), /^line 4: shop.servers is no list/],
  [ONE.replace('shop-1:8000', 'shop-1'), /^line 4: shop.servers: "shop-1" is no server; accepted is host:port/],
  [ONE.replace('shop-1:8000', 'shop-1:80000'), /^line 4: /],
  [ONE.replace('shop-1:8000', 'a:1, a:1'), /^line 4: shop.servers: a:1 is there twice/],
  [`${ONE}    drain: { quiet: 1 }\n`, /^line 5: shop.drain.quiet is 1; accepted is a time such as 500ms/],
  [`${ONE}    drain: { quiet: 1ms }\n`, /^line 5: shop.drain.quiet is "1ms".*from 10 ms/],
  [`${ONE}    protocol: udp\n`, /^line 5: shop.protocol is "udp"; accepted is tcp or http/],
  [`${ONE}  other:\n    port: 8080\n    servers: [x:1]\n`, /^line 5: other has the port of shop, 8080/],
  [`${ONE}  shop:\n    port: 1\n`, /^line 5: /],
  [`a: &a [x]\nb: *a\n`, /aliases are not taken/],
  [`services:\n  ${'x'.repeat(64)}: {}\n`, /^line 2: .*is no name/],
];
for (const [text, refusal] of WRONG)
  test(`refused with its line: ${JSON.stringify(text.slice(-60))}`, () => {
    assert.match(refusalOf(text), refusal);
  });

test('bounded: bytes, services, servers, depth, and what it says of them', () => {
  assert.match(refusalOf('#'.repeat(MAX_BYTES + 1)), /more than 65536 bytes/);
  const services = Array.from({ length: 65 }, (_, index) => `  s${index}: {port: ${index + 1}, servers: [x:1]}`);
  assert.match(refusalOf(`services:\n${services.join('\n')}`), /more than 64 services/);
  const servers = Array.from({ length: 17 }, (_, index) => `x${index}:1`);
  assert.match(refusalOf(ONE.replace('shop-1:8000', servers.join())), /more than 16 servers/);
  for (const open of ['[', '{"a":', '- ']) {
    const deep = open.repeat(Math.floor(MAX_BYTES / open.length));
    assert.match(refusalOf(deep), /^line \d+: /);
  }
  assert.ok(refusalOf(`services: {"${'\\n'.repeat(30_000)}": 1}`).length < 300);
});

test('aliases that would become a million values are refused as they stand', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let index = 1; index < 10; index++) {
    const before = `*a${index - 1}`;
    lines.push(`a${index}: &a${index} [${Array.from({ length: 10 }, () => before).join()}]`);
  }
  assert.match(refusalOf(lines.join('\n')), /^line 2: aliases are not taken/);
  assert.match(refusalOf('a: &a\n  b: *a\n'), /aliases are not taken/);
});

test('whatever the file says, it is read or refused with a line, in bounded time', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'services',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a',
      '*a',
      '|',
      '>',
      '?',
      '!!',
    ),
    fc.string({ maxLength: 5, unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), (words) => {
      try {
        readDocument(words.join(''));
      } catch (error) {
        assert.instance(error, DocumentRefused);
        assert.match((error as Error).message, /^line \d+: /);
      }
    }),
    { numRuns: 300 },
  );
});

test('what is written down is read again', () => {
  const duration = fc.integer({ min: 10, max: 1000 }).map((count) => `${count}ms`);
  const service = fc.record({
    protocol: fc.constantFrom('tcp', 'http'),
    servers: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,20}:[1-9]\d{0,3}$/), { minLength: 1, maxLength: 16 }),
    drain: fc.record({ grace: duration, quiet: duration, limit: fc.oneof(duration, fc.constant('never')) }),
  });
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/), service, { maxKeys: 8 }), (services) => {
      const numbered = Object.fromEntries(
        Object.entries(services).map(([name, each], index) => [name, { ...each, port: index + 1 }]),
      );
      const read = readDocument(JSON.stringify({ services: numbered }));
      assert.equal([...read.keys()], Object.keys(numbered));
      for (const [name, { servers, port }] of Object.entries(numbered)) {
        assert.is(read.get(name)!.port, port);
        assert.equal(
          read.get(name)!.servers.map(({ host, port: at }) => `${host}:${at}`),
          servers,
        );
      }
    }),
  );
});

test.run();
