import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AptSource,
  deriveSources,
  formatSources,
  parseList,
  parseSources,
  parseStanzas,
  sameArchive,
} from './apt-sources.ts';

const CONTAINER = `Types: deb
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
# http://snapshot.example/archive/debian-security/20250520T000000Z
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

const INSTALLER = `#deb cdrom:[Debian GNU/Linux 12.0.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main non-free-firmware

deb http://ftp.example/debian/ bookworm main non-free-firmware
deb-src http://ftp.example/debian/ bookworm main non-free-firmware

deb http://security.example/debian-security bookworm-security main non-free-firmware
# bookworm-updates, to get updates before a point release is made;
deb http://ftp.example/debian/ bookworm-updates main non-free-firmware # volatile
`;

const CLOUD = `Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: bookworm bookworm-updates bookworm-backports
Components: main
`;

const MICROSOFT =
  'deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/microsoft-prod.gpg] https://packages.microsoft.com/debian/12/prod bookworm main\n';
const DOCKER =
  'deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable\n';

const INLINE_KEY = `Types: deb
URIs: https://mirror.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcKw/NZJPR8lsD3K87ZM18gzyQZJD+w
 -----END PGP PUBLIC KEY BLOCK-----
`;

const debians = [
  'http://mirror.example',
  'http://ftp.example',
  'http://security.example',
  'mirror+file:',
  'https://mirror.example',
];
const isDebian = (uri: string) => debians.some((start) => uri.startsWith(start));
const derive = (...files: [string, string][]) =>
  deriveSources(
    files.flatMap(([name, text]) => parseSources(name, text)),
    { from: 'bookworm', to: 'trixie', isDebian },
  );

test('a container image: main, updates and security archive, keys kept', () => {
  const keyring = { 'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg' };
  assert.equal(derive(['debian.sources', CONTAINER]), [
    {
      types: ['deb'],
      uris: ['http://mirror.example/debian'],
      suites: ['trixie'],
      components: ['main'],
      options: keyring,
    },
    {
      types: ['deb'],
      uris: ['http://mirror.example/debian'],
      suites: ['trixie-updates'],
      components: ['main'],
      options: keyring,
    },
    {
      types: ['deb'],
      uris: ['http://mirror.example/debian-security'],
      suites: ['trixie-security'],
      components: ['main'],
      options: keyring,
    },
  ]);
});

test('an installed machine: one-line sources, cdrom and comments left out', () => {
  assert.equal(
    derive(['/etc/apt/sources.list', INSTALLER]).map(({ uris, suites, components }) => [
      ...uris,
      ...suites,
      ...components,
    ]),
    [
      ['http://ftp.example/debian/', 'trixie', 'main'],
      ['http://ftp.example/debian/', 'trixie-updates', 'main'],
      ['http://security.example/debian-security', 'trixie-security', 'main'],
    ],
  );
});

test('a cloud image: a list of mirrors is an address like any other', () => {
  assert.equal(derive(['x.sources', CLOUD])[0]?.uris, ['mirror+file:///etc/apt/mirrors/debian.list']);
});

test("other people's sources with the same suite names are never taken", () => {
  assert.equal(derive(['a.list', MICROSOFT], ['b.list', DOCKER]), []);
  assert.equal(derive(['a.list', MICROSOFT], ['sources.list', INSTALLER])[0]?.uris, ['http://ftp.example/debian/']);
});

test('an inline key stays whole', () => {
  const [source] = derive(['x.sources', INLINE_KEY]);
  assert.ok(source);
  assert.equal(parseSources('y.sources', formatSources([source])), [source]);
  assert.match(formatSources([source]), /^Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n \.\n mQIN/m);
});

test('what is disabled, for sources only, or of another release is not taken', () => {
  assert.equal(derive(['x.sources', `Enabled: no\n${CLOUD}`]), []);
  assert.equal(derive(['x.list', 'deb-src http://mirror.example/debian bookworm main']), []);
  assert.equal(derive(['x.list', 'deb http://mirror.example/debian bullseye main']), []);
  assert.equal(derive(['x.list', 'deb http://mirror.example/debian bookworm contrib']), []);
  assert.equal(derive(['x.list.disabled', INSTALLER], ['x.save', INSTALLER]), []);
});

test('options of the one-line form get the names of the other form', () => {
  const [source] = parseList(
    'deb [ arch=amd64,arm64 trusted=yes check-valid-until=no lang+=de signed-by=/k.gpg ] http://x y main',
  );
  assert.equal(source?.options, {
    Architectures: 'amd64 arm64',
    Trusted: 'yes',
    'Check-Valid-Until': 'no',
    'Signed-By': '/k.gpg',
  });
});

test('field names are read in any case, continuation lines belong to their field', () => {
  assert.equal(parseStanzas('TYPES: deb\nuris:\n http://a\n# no\n http://b\n\n\n orphan\nSuites: s\n'), [
    { types: 'deb', uris: '\n http://a\n http://b' },
    { suites: 's' },
  ]);
});

test('archives are the same whether or not their address ends in a slash', () => {
  assert.ok(sameArchive('http://x/debian', 'http://x/debian/'));
  assert.not(sameArchive('http://x/debian', 'http://x/debian-security'));
});

const word = fc.stringMatching(/^[a-z][a-z0-9.+-]{0,9}$/);
const source: fc.Arbitrary<AptSource> = fc.record({
  types: fc.constantFrom(['deb'], ['deb', 'deb-src']),
  uris: fc.array(
    word.map((name) => `http://${name}/debian`),
    { minLength: 1, maxLength: 3 },
  ),
  suites: fc.array(word, { minLength: 1, maxLength: 3 }),
  components: fc.array(word, { minLength: 1, maxLength: 3 }),
  options: fc.dictionary(fc.constantFrom('Signed-By', 'Trusted', 'Enabled'), word),
});

test('what is written is read again as it was', () => {
  const plain = (found: AptSource[]) => found.map((one) => ({ ...one, options: { ...one.options } }));
  fc.assert(
    fc.property(fc.array(source), (sources) => {
      assert.equal(plain(parseSources('x.sources', formatSources(sources))), plain(sources));
    }),
  );
});

test('any text is read without an error, in both forms', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('deb', ' ', '[', ']', '#', 'URIs: x', 'Types: deb'))),
      (parts) => {
        for (const text of [parts.join(' '), parts.join('\n')]) {
          for (const name of ['x.list', 'x.sources']) {
            for (const { types, uris } of parseSources(name, text)) assert.ok(types.length > 0 && uris.length > 0);
          }
        }
      },
    ),
  );
});

test.run();
