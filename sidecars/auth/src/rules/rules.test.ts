import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allows, parseRules } from './rules.ts';

const RULES = `
- { path: /public/**, access: public }
- { path: /health, method: [GET, HEAD], access: public }
- { path: /admin/**, groups: [admins, root], access: allow }
- { path: /secret, access: deny }
`;
const rules = parseRules(RULES);
const kind = (method: string, path: string): string => rules.access(method, path)?.kind ?? 'refused';

test('the first rule that fits decides, and a login where none does', () => {
  assert.is(kind('GET', '/public/logo.png'), 'public');
  assert.is(kind('GET', '/public'), 'public');
  assert.is(kind('GET', '/publicity'), 'login');
  assert.is(kind('GET', '/health'), 'public');
  assert.is(kind('POST', '/health'), 'login');
  assert.is(kind('GET', '/secret'), 'deny');
  assert.is(kind('GET', '/'), 'login');
  const admin = rules.access('GET', '/admin/users')!;
  assert.ok(allows(admin, ['staff', 'root']));
  assert.not(allows(admin, ['staff']));
});

test('no spelling of a protected path is public', () => {
  const spellings = [
    '/public/../admin',
    '/public/..%2fadmin',
    '/public/%2e%2e/admin',
    '/public/%2E%2E%2Fadmin',
    '/public/%252e%252e/admin',
    '/public/..;/admin',
    '/public/..;x=y/admin',
    '/public//../../admin',
    '/public/..\\admin',
    '/public/..%5cadmin',
    '/public/x/../../admin',
    '/public/./../admin',
    '//admin',
    '/admin;/public/x',
    '/admin%23/../public/x',
    '/admin%3f/public',
    '/health/../admin',
    '/%61dmin',
    '/admin/%2e%2e/admin',
  ];
  for (const path of spellings) assert.is.not(kind('GET', path), 'public', path);
  for (const path of ['/../admin', '/public/../../x', '/%', '/public/%zz', '/public/%00'])
    assert.is(kind('GET', path), 'refused', path);
});

test('a path that two servers read in two ways gets the stricter access of both', () => {
  assert.is(kind('GET', '/public/../secret'), 'deny');
  assert.is(kind('GET', '/secret/../public/x'), 'login');
  assert.is(kind('GET', '/%73ecret'), 'deny');
  assert.is(kind('GET', '/secret;jsessionid=1'), 'deny');
  const both = rules.access('GET', '/public/..;/admin')!;
  assert.not(allows(both, []));
  assert.ok(allows(both, ['admins']));
});

/** A server's way to a file: any mixture of what servers do. */
function serve(
  path: string,
  how: { times: number; parameters: boolean; backslash: boolean; merge: boolean; cut: boolean },
): string {
  let read = path;
  for (let time = 0; time < how.times; time++)
    read = read.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (how.cut) read = read.split(/[#?]/, 1)[0]!;
  if (how.parameters) read = read.replaceAll(/;[^/]*/g, '');
  if (how.backslash) read = read.replaceAll('\\', '/');
  if (how.merge) read = read.replaceAll(/\/{2,}/g, '/');
  const out: string[] = [];
  for (const segment of read.split('/').slice(1)) {
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
  }
  return `/${out.join('/')}`.replaceAll(/\/{2,}/g, '/');
}

test('whatever way a server reads a path: what is public is nothing that is protected', () => {
  const piece = fc.constantFrom(
    '/',
    '//',
    '..',
    '.',
    '%2e',
    '%2E%2e',
    '%2f',
    '%252f',
    '%25',
    '2e',
    ';',
    ';a=b',
    '\\',
    '%5c',
    '%23',
    '%3f',
    'admin',
    'public',
    'secret',
    'x',
  );
  const how = fc.record({
    times: fc.integer({ min: 0, max: 2 }),
    parameters: fc.boolean(),
    backslash: fc.boolean(),
    merge: fc.boolean(),
    cut: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), how, (pieces, server) => {
      const path = `/public/${pieces.join('')}`;
      if (kind('GET', path) !== 'public') return;
      assert.not.match(serve(path, server), /^\/(?:admin|secret)(?:\/|$)/, path);
    }),
    { numRuns: 5000 },
  );
});

test('a rule for letters beyond ASCII and for blanks applies to their escaped forms', () => {
  const some = parseRules(
    '- { path: /büro/**, access: deny }\n- { path: /a b, access: deny }\n- { path: /**, access: public }',
  );
  const of = (path: string): string => some.access('GET', path)?.kind ?? 'refused';
  for (const path of ['/b%C3%BCro', '/b%c3%bcro/x', '/b\u{c3}\u{bc}ro/x', '/bu%CC%88ro/', '/a%20b', '/A%20b/'])
    assert.is(of(path), 'deny', path);
  assert.is(of('/b%C3%BCcher'), 'public');
});

test('a rule applies to other cases and a slash at the end only to refuse', () => {
  for (const path of ['/ADMIN/x', '/Secret', '/secret/', '/%53ECRET']) assert.is.not(kind('GET', path), 'public', path);
  assert.is(kind('GET', '/Secret'), 'deny');
  assert.is(kind('GET', '/secret/'), 'deny');
  assert.is(kind('GET', '/PUBLIC/logo.png'), 'login');
  assert.is(kind('GET', '/health/'), 'login');
  const both = parseRules(
    '- { path: /Users/**, groups: [root], access: allow }\n- { path: /users/**, access: public }',
  );
  assert.not(allows(both.access('GET', '/users/x')!, []));
});

test('HEAD falls under a rule for GET, and a method in lower case under its rule', () => {
  const some = parseRules(
    '- { path: /a/**, method: GET, access: deny }\n- { path: /b, method: [POST], access: deny }\n- { path: /**, access: public }',
  );
  for (const method of ['GET', 'HEAD', 'get', 'hEad']) assert.is(some.access(method, '/a/x')?.kind, 'deny', method);
  assert.is(some.access('post', '/b')?.kind, 'deny');
  assert.is(some.access('POST', '/a/x')?.kind, 'public');
  const head = parseRules('- { path: /a, method: HEAD, access: deny }\n- { path: /**, access: public }');
  assert.is(head.access('GET', '/a')?.kind, 'public');
});

test('decisions about long paths are not remembered', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let number = 0; number < 2000; number++) rules.access('GET', `/${number}/${'x'.repeat(31_000)}`);
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 20_000_000, `${grown} bytes`);
});

test('what can never match is refused, with the rule and the reason', () => {
  const refused = (text: string, reason: RegExp): void => assert.throws(() => parseRules(text), reason);
  refused('- { path: /**, access: allow }\n- { path: /x, access: public }', /rule 2 \(\/x\) can never match: rule 1/);
  refused('- { path: /a/**, access: deny }\n- { path: /a, method: GET, access: public }', /rule 2 .* can never match/);
  refused('- { path: /a//b, access: deny }', /rule 1 can never match/);
  refused('- { path: /a?x=1, access: deny }', /rule 1 can never match/);
  refused('- { path: /a/../b, access: deny }', /rule 1 can never match/);
  refused('- { path: /%61, access: deny }', /rule 1 can never match/);
  refused(`- { path: /${'a'.repeat(2000)}, access: deny }`, /a path of 2001 characters/);
  refused('- { path: /a, method: GET, access: deny }\n- { path: /a, method: HEAD, access: public }', /rule 2 .* never/);
  refused('- { path: a, access: deny }', /rule 1 has no path/);
  refused('- { path: /a, method: [], access: deny }', /can never match/);
  refused('- { path: /a, method: get, access: deny }', /method "get"/);
  refused('- { path: /a, groups: [], access: allow }', /can never let anyone in/);
  refused('- { path: /a, groups: [x], access: public }', /does not look at/);
  refused('- { path: /a, access: maybe }', /accepted are allow, public, deny/);
  refused('- { path: /a, acces: deny }', /key "acces"/);
  refused('path: /a', /not a list/);
  refused('[', /not YAML/);
  parseRules('- { path: /a, method: GET, access: public }\n- { path: /a, access: deny }');
});

test.run();
