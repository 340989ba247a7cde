import { posix } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PathPattern } from './pattern.ts';
import { pathVariants } from './variants.ts';

/** A rule for a forbidden part of a site, as rules use both: one variant that matches is enough. */
const refuses = (glob: string, path: string): boolean => {
  const pattern = new PathPattern(glob);
  return pathVariants(path)?.some((each) => pattern.matches(each) || pattern.matchesLoosely(each)) ?? true;
};
const FORBIDDEN = ['/admin/**', '/büro/**', '/a b/**', '/x:y@z/**', '/new'];

test('a path is compared fully decoded, as UTF-8', () => {
  for (const path of ['/x%3Ay%40z', '/x:y%40z/1', '/x%253Ay@z']) assert.ok(refuses('/x:y@z/**', path), path);
  for (const path of ['/a%20b', '/a%20b/c', '/a%2520b']) assert.ok(refuses('/a b/**', path), path);
  for (const path of ['/b%C3%BCro', '/b\u{c3}\u{bc}ro/1', '/b%c3%bcro/x', '/bu%CC%88ro', '/b%FCro', '/B%C3%9CRO'])
    assert.ok(refuses('/büro/**', path), path);
  for (const path of ['/b%C3%BCcher', '/bro', '/buro']) assert.not(refuses('/büro/**', path), path);
});

test('parameters and fragments are cut off before decoding, too', () => {
  for (const path of [
    '/n%65w;%2f..%2fpublic',
    '/n%65w;%252f..',
    '/n%65w#%2f..%2fpublic',
    '/n%2565w;%2fx',
    '/n%2565w%3b%252fx',
  ])
    assert.ok(refuses('/new', path), path);
});

test('case and a slash at the end count in exact matches alone', () => {
  const pattern = new PathPattern('/New/');
  assert.equal([pattern.matches('/New/'), pattern.matches('/New'), pattern.matches('/new/')], [true, false, false]);
  for (const path of ['/New/', '/New', '/new', '/NEW/']) assert.ok(pattern.matchesLoosely(path), path);
  for (const path of ['/newer', '/new/x', '/']) assert.not(pattern.matchesLoosely(path), path);
  assert.ok(new PathPattern('/new/*').matchesLoosely('/new/'));
  assert.not(new PathPattern('/new/*').matchesLoosely('/new'));
  assert.ok(new PathPattern('/').matchesLoosely('/'));
});

test('a path that no server should be asked for has no variants', () => {
  for (const path of ['/%', '/a%zz', '/%00', '/%2500', '/a%0a', '/a%7f', '/..', '/a/../..', '/a/%2e%2e/..', '/%c0%af'])
    assert.is(pathVariants(path), undefined, path);
  assert.is(pathVariants(`/${'%2f'.repeat(3000)}`), undefined);
  assert.equal(pathVariants(`/${'a'.repeat(10_000)}`)?.length, 1);
  assert.ok(pathVariants('/100%25')?.includes('/100%'));
  assert.ok(pathVariants('/100%25/%2561')?.includes('/100%/a'));
});

test('the variants of a path are few, also of a hostile one', () => {
  const long = `/public${'/%2e%2e;x\\%c3%bc#?'.repeat(200)}`.replaceAll('%2e%2e', '%2e');
  const variants = pathVariants(long);
  assert.ok(variants !== undefined && variants.length > 1 && variants.length < 100, String(variants?.length));
});

const segment = fc.constantFrom('/', '//', 'a', 'b', 'ab', '*', '**', 'aa', 'é');
const glob = fc.array(segment, { maxLength: 8 }).map((parts) => `/${parts.join('')}`);
const plain = fc.array(fc.constantFrom('/', 'a', 'b', 'é'), { maxLength: 12 }).map((parts) => `/${parts.join('')}`);

/** The same by a regular expression, whose time may be exponential. */
function byExpression(text: string): RegExp {
  const source = text
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.*' : part === '*' ? '[^/]*' : part))
    .join('');
  return new RegExp(`^(?:${source}${source.endsWith('/.*') ? `|${source.slice(0, -3)}` : ''})$`, 's');
}

test('a pattern matches what the same regular expression matches', () => {
  fc.assert(
    fc.property(glob, plain, (pattern, path) => {
      assert.is(new PathPattern(pattern).matches(path), byExpression(pattern).test(path), `${pattern} ${path}`);
    }),
    { numRuns: 5000 },
  );
});

test('a long path takes little CPU under patterns with several wildcards', () => {
  const path = `/${'a/'.repeat(5000)}c`;
  const before = process.cpuUsage();
  for (const each of ['/**/a/**/b', '/**/a/**/a/**/a/**/b', '/**a*a*a*b', `/${'*a'.repeat(20)}b`, '/**/**/**/**/x'])
    for (const text of [path, `/${'a'.repeat(10_000)}`]) assert.not(new PathPattern(each).matches(text));
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 2_000_000, `${(user + system) / 1000} ms`);
});

test('a pattern covers only what it matches', () => {
  fc.assert(
    fc.property(glob, glob, plain, (wide, narrow, path) => {
      if (!new PathPattern(wide).covers(new PathPattern(narrow))) return;
      if (new PathPattern(narrow).matches(path))
        assert.ok(new PathPattern(wide).matches(path), `${wide} ${narrow} ${path}`);
    }),
    { numRuns: 5000 },
  );
});

const bytes = (path: string): Buffer =>
  Buffer.from(
    path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
const strictly = (path: string): string | undefined => {
  const text = bytes(path).toString('utf8');
  return text.includes('\u{fffd}') ? undefined : text;
};

/** What servers make of a path; undefined where they answer 400. Reduced to what decides which resource is served. */
const SERVERS: Readonly<Record<string, (path: string) => string | undefined>> = {
  // express 5: routes compare the path as it came, without case and the last slash; params are decoded.
  'express routes': (path) => (path.length > 1 ? path.replace(/\/$/, '') : path).toLowerCase(),
  // express.static (send): decodeURIComponent, then path.normalize.
  'express static': (path) => {
    const text = strictly(path);
    return text === undefined || text.includes('\0') ? undefined : posix.normalize(text);
  },
  // WSGI: unquoted once; django's path() compares the text and leaves broken UTF-8 escaped. Nothing is resolved.
  django: (path) => {
    const text = bytes(path).toString('utf8');
    return text.replaceAll('\u{fffd}', '%FC');
  },
  // nginx: decoded once, slashes merged, dots resolved; what would leave the root is 400.
  nginx: (path) => {
    const text = bytes(path.split('#', 1)[0]!).toString('latin1');
    if (text.includes('\0')) return undefined;
    const out: string[] = [];
    for (const each of text.split(/\/+/).slice(1))
      if (each === '..') {
        if (out.pop() === undefined) return undefined;
      } else if (each !== '.') out.push(each);
    return Buffer.from(`/${out.join('/')}`, 'latin1').toString('utf8');
  },
  // Go's ServeMux: URL.Path decoded once, then path.Clean.
  go: (path) => {
    if (/%(?![0-9a-f]{2})/i.test(path)) return undefined;
    return posix.normalize(bytes(path).toString('utf8'));
  },
  // Servlet containers: parameters cut off, then decoded, then normalised.
  tomcat: (path) => posix.normalize(bytes(path.replaceAll(/;[^/]*/g, '')).toString('utf8')),
  // A proxy that decodes in front of a server that decodes.
  twice: (path) => posix.normalize(bytes(bytes(path).toString('latin1')).toString('utf8')),
};

const PIECES =
  '/ // . .. %2e %2E%2e %2f %252f %25 2e ; ;a=b \\ %5c %23 # %3f %20 %2520 %3A : %40 @ x y z a b %61 %41 dmin DMIN admin ' +
  'new NEW n%65w %6eew ;%2f.. b%C3%BCro b%c3%bcro b\u{c3}\u{bc}ro B%C3%9Cro b%25C3%25BCro ro %C3 %BC %FC public';
const piece = fc.constantFrom(' ', ...PIECES.split(' '));

for (const [name, read] of Object.entries(SERVERS))
  test(`${name}: a path that it reads as a forbidden one is refused`, () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        const served = read(path);
        if (served === undefined) return;
        for (const forbidden of FORBIDDEN)
          if (new PathPattern(forbidden).matches(served)) assert.ok(refuses(forbidden, path), `${path} is ${served}`);
      }),
      { numRuns: 4000 },
    );
  });

test.run();
