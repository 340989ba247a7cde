import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { main } from '../main.ts';
import { compareDockerfiles, verdict } from './compare.ts';
import { readDockerfile } from './dockerfile.ts';
import { contractMarkdown } from './docs.ts';
import type { Facts } from '../identify/model/facts.ts';
import { lintContainer, lintDockerfile } from './lint.ts';

const test = suite('contract of any image');
const VERSION = (version: string): string => `LABEL org.opencontainers.image.version=${version}\n`;

const codes = (text: string): string[] =>
  lintDockerfile(readDockerfile(text, 'Dockerfile'), 'Dockerfile').map(({ code, line }) => `${code}:${line}`);

const LINT: [string, string, string[]][] = [
  ['nothing of a good one', `FROM debian:13\n${VERSION('1.0.0')}ENV HTTP_PORT=80 PERIOD=5s\nEXPOSE 80\nUSER app\n`, []],
  ['a secret', `FROM a:1\n${VERSION('1.0.0')}ENV A=1 \\\n  DB_PASSWORD=hunter2\nUSER a\n`, ['secret-in-env:4']],
  [
    'no secret: where one is, and none yet',
    `FROM a:1\n${VERSION('1.0.0')}ENV DB_PASSWORD_FILE=/run/secrets/db TOKEN="" API_KEY=/etc/key\nUSER a\n`,
    [],
  ],
  ['a secret build argument', `FROM a:1\n${VERSION('1.0.0')}ARG NPM_TOKEN\nUSER a\n`, ['secret-in-arg:3']],
  ['a fragment without FROM', 'ENV UPDATE_PERIOD=30\n', ['no-from:1', 'duration-without-unit:1']],
  [
    'a port that is not exposed',
    `FROM a:1\n${VERSION('1.0.0')}ENV LISTEN_PORT=8080 DB_PORT=5432\nUSER a\n`,
    ['port-not-exposed:3'],
  ],
  [
    'a moving base, ONBUILD, root',
    `FROM a\n${VERSION('1.0.0')}ONBUILD RUN make\n`,
    ['base-not-pinned:1', 'runs-as-root:1', 'onbuild:1'],
  ],
  [
    'heredocs and stages',
    `FROM a:1 AS x\nENV SECRET=leaves-with-its-stage\nFROM b:1\n${VERSION('1.0.0')}RUN <<EOF\nENV TOKEN=text\nEOF\nUSER b\n`,
    [],
  ],
];
for (const [what, text, expected] of LINT)
  test(`lint says ${what}`, () => {
    assert.equal(codes(text), expected);
  });

const compare = (before: string, after: string): string[] =>
  compareDockerfiles(readDockerfile(`FROM a:1\n${before}`, 'D'), readDockerfile(`FROM a:1\n${after}`, 'D')).map(
    ({ bump, what }) => `${bump} ${what}`,
  );

const CHANGES: [string, string, string, string[]][] = [
  [
    'a rename without alias',
    'ENV UPDATE_FREQUENCY=5s\n',
    'ENV UPDATE_PERIOD=5s\n',
    ['major ENV UPDATE_FREQUENCY', 'minor ENV UPDATE_PERIOD'],
  ],
  [
    'a rename with its alias',
    'ENV UPDATE_FREQUENCY=5s\n',
    'ENV UPDATE_FREQUENCY=5s UPDATE_PERIOD=5s\n',
    ['minor ENV UPDATE_PERIOD'],
  ],
  ['another default', 'ENV A=1\n', 'ENV A=2\n', ['major ENV A']],
  ['another unit', 'ENV A=5s\n', 'ENV A=5m\n', ['major ENV A']],
  ['the same default in another unit', 'ENV A=5s\n', 'ENV A=5000ms\n', []],
  [
    'a port and a volume less',
    'EXPOSE 80 81/udp\nVOLUME /a /b\n',
    'EXPOSE 80\nVOLUME ["/a"]\n',
    ['major port 81/udp', 'major volume /b'],
  ],
  ['a port and a volume more', '', 'EXPOSE 80\nVOLUME /a\n', ['minor port 80/tcp', 'minor volume /a']],
  ['another user and signal', 'USER a\n', 'USER b\nSTOPSIGNAL SIGINT\n', ['major USER', 'major STOPSIGNAL']],
  ['a health check less', 'HEALTHCHECK CMD true\n', '', ['major HEALTHCHECK']],
  ['an ENV that an ARG gives', 'ARG V=1\nENV A=$V\n', 'ARG V=2\nENV A=$V\n', ['major ENV A']],
];
for (const [what, before, after, expected] of CHANGES)
  test(`diff: ${what}`, () => {
    assert.equal(compare(before, after), expected);
  });

test('a version must be raised as far as the change demands', () => {
  const enough = (from: string, to: string, gone: boolean): boolean => {
    const before = readDockerfile(`FROM a:1\n${from && VERSION(from)}ENV A=1\n`, 'D');
    const after = readDockerfile(`FROM a:1\n${to && VERSION(to)}${gone ? '' : 'ENV A=1 B=2\n'}`, 'D');
    return verdict(before, after, compareDockerfiles(before, after)).enough;
  };
  assert.equal(
    [
      enough('1.2.0', '2.0.0', true),
      enough('1.2.0', '1.3.0', true),
      enough('1.2.0', '1.3.0', false),
      enough('1.2.0', '1.2.1', false),
    ],
    [true, false, true, false],
  );
  assert.equal(
    [enough('0.2.0', '0.3.0', true), enough('0.2.0', '0.2.1', true), enough('', '', true), enough('', '', false)],
    [true, false, false, true],
  );
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
async function inRepository(
  use: (tools: {
    write: (files: Record<string, string>) => void;
    commit: () => void;
    run: (...args: string[]) => Promise<Ran>;
    folder: string;
  }) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'contract-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, stdio: 'ignore' });
  try {
    git('init');
    await use({
      folder,
      write(files) {
        for (const [name, text] of Object.entries(files)) {
          mkdirSync(dirname(join(folder, name)), { recursive: true });
          writeFileSync(join(folder, name), text);
        }
      },
      commit() {
        git('add', '-A');
        git('commit', '-m', 'x');
      },
      async run(...args) {
        let [out, err] = ['', ''];
        const code = await main(['contract', ...args], {
          folder,
          environment: {},
          out: (text) => void (out += text),
          err: (text) => void (err += text),
        });
        return { code, out, err };
      },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('diff since a ref: a removed file is a break, a new one is not; GitHub gets line and file', () =>
  inRepository(async ({ write, commit, run, folder }) => {
    write({ 'a/Dockerfile': `FROM a:1\n${VERSION('1.0.0')}ENV UPDATE_FREQUENCY=5s\n`, 'b/Dockerfile': 'FROM a:1\n' });
    commit();
    write({ 'a/Dockerfile': `FROM a:1\n${VERSION('1.1.0')}ENV UPDATE_PERIOD=5s\n`, 'c/Dockerfile': 'FROM a:1\n' });
    rmSync(join(folder, 'b/Dockerfile'));
    const { code, out } = await run('diff', 'HEAD');
    assert.is(code, 1);
    assert.match(
      out,
      /a\/Dockerfile: major, version 1.0.0 to 1.1.0\n {2}major: ENV UPDATE_FREQUENCY is gone: it looks renamed to UPDATE_PERIOD/,
    );
    assert.match(out, /b\/Dockerfile: major\n {2}major: the Dockerfile is gone/);
    assert.match(
      (await run('diff', 'HEAD', 'a', '--github')).out,
      /^::error file=a\/Dockerfile,line=1,title=env::major: ENV UPDATE_FREQUENCY is gone/,
    );
    write({ 'a/Dockerfile': `FROM a:1\n${VERSION('2.0.0')}ENV UPDATE_PERIOD=5s\n` });
    assert.is((await run('diff', 'HEAD', 'a')).code, 0);
    assert.is((await run('diff', 'no-such-ref')).code, 2);
    assert.is((await run('diff', '--', '--output=x')).code, 2);
  }));

test('lint compares compose files and manifests with the images that they run', () =>
  inRepository(async ({ write, run }) => {
    write({
      'sync/Dockerfile': `FROM a:1\n${VERSION('1.0.0')}ENV SYNC_PERIOD=5s\nUSER a\n`,
      'compose.yaml':
        'services:\n  one:\n    build: ./sync\n    environment:\n      SYNC_PERIODE: 1s\n      TZ: UTC\n  two:\n    image: registry.example/team/sync:1\n    environment: [SYNC_PERIOD=2s, DB_PASSWORD=hunter2, "API_TOKEN=${TOKEN}"]\n',
      'pod.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: s\n      image: sync\n      env:\n        - {name: SYNC_NAME, value: x}\n',
    });
    const { code, out } = await run('lint', '--json');
    const found = (JSON.parse(out) as { findings: { file: string; line: number; code: string }[] }).findings.map(
      (each) => `${each.file}:${each.line} ${each.code}`,
    );
    assert.is(code, 1);
    assert.equal(found.toSorted(), [
      'compose.yaml:5 undeclared-variable',
      'compose.yaml:9 secret-in-env',
      'compose.yaml:9 undeclared-variable',
      'compose.yaml:9 undeclared-variable',
      'pod.yaml:9 undeclared-variable',
    ]);
  }));

test('docs prints tables, and puts them between markers', () =>
  inRepository(async ({ write, run, folder }) => {
    write({
      Dockerfile: `FROM a:1 AS x\nENV A="a|b"\nEXPOSE 80\nFROM x AS y\nENV B=2\nVOLUME /data\nUSER me\n`,
      'README.md': 'before\n<!-- contract -->\nold\n<!-- /contract -->\nafter\n',
    });
    const { out } = await run('docs');
    assert.match(out, /\| `A` \| `a\\\|b` \|\n\| `B` \| `2` \|/);
    assert.match(out, /\| User \| `me` \|/);
    assert.not.match((await run('docs', '--target', 'x')).out, /`B`/);
    assert.is((await run('docs', '--write', 'README.md')).code, 0);
    assert.is(
      readFileSync(join(folder, 'README.md'), 'utf8'),
      `before\n<!-- contract -->\n${out}<!-- /contract -->\nafter\n`,
    );
    assert.is((await run('docs', '--target', 'z')).code, 2);
  }));

test('docs show no secret, and the comment above each thing', () => {
  const text = `FROM x:1
# Where to listen.
# All addresses.
ENV LISTEN_PORT=8080

ENV DB_PASSWORD=hunter2
# The web.
EXPOSE 8080
`;
  const markdown = contractMarkdown(readDockerfile(text, 'Dockerfile'));
  assert.match(markdown, /`LISTEN_PORT` \| `8080` \| Where to listen\. All addresses\. \|/);
  assert.match(markdown, /`8080\/tcp` \| The web\. \|/);
  assert.match(markdown, /`DB_PASSWORD` \| \(a secret, not shown\) \|/);
  assert.not.match(markdown, /hunter2/);
});

test('a published port that the image does not expose is named', () => {
  const facts = readDockerfile('FROM x:1\nEXPOSE 8080\n', 'Dockerfile');
  const image = { facts, file: 'Dockerfile', names: [], folder: '/', declared: [] };
  const container = { name: 'web', at: { file: 'compose.yaml', line: 1 }, env: new Map(), ports: [8080, 9090] };
  assert.equal(
    lintContainer(container as unknown as Facts, image).map(({ code, message }) => [code, message]),
    [['port-not-exposed', 'web publishes port 9090, which Dockerfile does not EXPOSE: it exposes 8080']],
  );
});

test.run();
