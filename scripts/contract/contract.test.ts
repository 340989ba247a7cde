/** The command as a user runs it, in a project of its own with a git history. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = mkdtempSync(join(tmpdir(), 'contract-'));
const folder = join(root, 'sidecars', 'sync');
const program = fileURLToPath(new URL('../contract.ts', import.meta.url));
const kit = new URL('../../sidecars/kit/contract/contract.ts', import.meta.url).href;

test.after(() => rmSync(root, { recursive: true }));

/** The command's exit code, output and error output; it sees no engine. */
function contract(...args: string[]): { code: number | null; out: string; err: string } {
  return contractWith({}, ...args);
}

function contractWith(
  env: Record<string, string>,
  ...args: string[]
): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, IMAGE_TAG: '', DOCKER_HOST: `unix://${root}/no-engine.sock`, ...env },
  });
  return { code: status, out: stdout, err: stderr };
}

const git = (...args: string[]): string =>
  execFileSync(
    'git',
    [
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.org',
      '-c',
      'init.defaultBranch=main',
      '-c',
      'commit.gpgsign=false',
      ...args,
    ],
    { cwd: root, encoding: 'utf8' },
  );

/** Declare the sidecar: a version, and its one parameter's name and further properties. */
function declare(version: string, parameter: string, more = ''): void {
  writeFileSync(
    join(folder, 'src', 'contract.ts'),
    `import { defineContract } from ${JSON.stringify(kit)};
export const contract = defineContract({
  name: 'sync', version: '${version}', description: 'Keeps a copy up to date.', prefixes: ['UPDATE_'], adminPort: '9902',
  parameters: { ${parameter}: { type: 'duration', unit: 's', default: '60s', description: 'Time between two updates', ${more} } },
  ports: {}, metrics: {},
});
`,
  );
}

test.before(() => {
  mkdirSync(join(folder, 'src'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module","license":"MIT"}');
  writeFileSync(
    join(folder, 'Dockerfile'),
    `FROM x
ENV UPDATE_FREQUENCY=60s ADMIN_ADDRESS=0.0.0.0 ADMIN_PORT=9902 LOG_LEVEL=info LOG_FORMAT=json SHUTDOWN_TIMEOUT=8s
EXPOSE 9902
LABEL org.opencontainers.image.title=sync org.opencontainers.image.description="Keeps a copy up to date." \\
  org.opencontainers.image.version=1.0.0 org.opencontainers.image.licenses=MIT org.opencontainers.image.vendor=sidecar-stacks dev.sidecar-stacks.image=sync
USER 65532:65532
HEALTHCHECK CMD ["/sidecar/healthcheck", "/startupz"]
`,
  );
  writeFileSync(
    join(folder, 'README.md'),
    '# sync\n\nProse.\n\n<!-- contract:parameters -->\n<!-- /contract -->\n\nMore prose.\n',
  );
  declare('1.0.0', 'UPDATE_FREQUENCY');
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'before contracts');
  git('tag', 'before');
});

test('check names what is missing, one line each, with its repair', () => {
  const { code, out } = contract();
  assert.is(code, 1);
  assert.equal(out.split('\n').slice(0, 3), [
    'sidecar-stacks/sync:dev: not built: image not compared',
    'sidecars/sync/contract.json: declared: contract 1.0.0; there: no such file; repair: npm run contract -- write sync',
    'sidecars/sync/README.md: declared: a table of ports; there: no markers for it; repair: put <!-- contract:ports --> <!-- /contract --> where it belongs, then npm run contract -- write sync',
  ]);
  assert.match(out, /1 contract checked, 7 disagreements\n$/);
});

test('write fills what there is, and then check agrees', () => {
  const markers = ['ports', 'endpoints', 'metrics', 'signals', 'exit-codes'].map(
    (section) => `<!-- contract:${section} -->\n<!-- /contract -->\n`,
  );
  writeFileSync(join(folder, 'README.md'), `${readFileSync(join(folder, 'README.md'), 'utf8')}${markers.join('\n')}`);
  assert.equal(contract('write').out.split('\n').slice(0, 2), [
    'sidecars/sync/contract.json: written',
    'sidecars/sync/README.md: written',
  ]);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  assert.match(readme, '# sync\n\nProse.\n\n<!-- contract:parameters -->\n| Parameter');
  assert.match(readme, '| `UPDATE_FREQUENCY` | `60s`     | duration in s ');
  assert.match(readme, '<!-- /contract -->\n\nMore prose.\n<!-- contract:ports -->\n');
  assert.equal(contract('write', 'sync').out.split('\n').slice(0, 2), [
    'sidecars/sync/contract.json: up to date',
    'sidecars/sync/README.md: up to date',
  ]);
  const { code, out } = contract('check', 'sync');
  assert.is(code, 0, out);
  git('add', '.');
  git('commit', '-q', '-m', 'contract 1.0.0');
  git('tag', 'v1.0.0');
});

test('check sees a contract.json and a README that were edited by hand', () => {
  const file = join(folder, 'contract.json');
  const text = readFileSync(file, 'utf8');
  const told = (changed: string): string => {
    writeFileSync(file, changed);
    const { code, out } = contract();
    assert.is(code, 1);
    return out;
  };
  assert.match(
    told(text.replace('"60s"', '"61s"')),
    'contract.json: declared: parameters.UPDATE_FREQUENCY.default is "60s"; there: "61s"; repair: npm run contract -- write sync',
  );
  assert.match(told(text.replace(/ {2}/g, ' ')), 'there: another layout');
  assert.match(told('{'), /there: no JSON/);
  writeFileSync(file, text);
  const readme = readFileSync(join(folder, 'README.md'), 'utf8');
  writeFileSync(join(folder, 'README.md'), readme.replace('Time between', 'Times between'));
  assert.match(contract().out, 'sidecars/sync/README.md: declared: the table of parameters; there: another table');
  writeFileSync(join(folder, 'README.md'), readme);
});

test('with --image an image that is not there is a disagreement', () => {
  const { code, out } = contract('check', '--image');
  assert.is(code, 1);
  assert.match(
    out,
    /^sidecar-stacks\/sync:dev: declared: an image of sync; there: docker image inspect exited with 1: .*; repair: docker compose build sync\n1 contract checked, 1 disagreement\n$/,
  );
});

test('diff: a rename with its alias needs a minor version', () => {
  declare('1.0.0', 'UPDATE_PERIOD', "deprecated: ['UPDATE_FREQUENCY']");
  const low = contract('diff', 'v1.0.0');
  assert.is(low.code, 1);
  assert.match(low.out, '1.0.0 is not enough: this demands a minor version, 1.1.0 or higher');
  declare('1.1.0', 'UPDATE_PERIOD', "deprecated: ['UPDATE_FREQUENCY']");
  const { code, out } = contract('diff', 'v1.0.0', 'sync');
  assert.is(code, 0);
  assert.is(
    out,
    `sync: 1.0.0 at v1.0.0, 1.1.0 now
  adds
    parameter UPDATE_FREQUENCY is now called UPDATE_PERIOD, and understood by
    its old name as a deprecated alias
  1.1.0 is enough: this demands a minor version
`,
  );
});

test('diff: a rename without it needs a major one, and the answer says how to do without', () => {
  declare('1.1.0', 'UPDATE_PERIOD');
  const { code, out } = contract('diff', 'v1.0.0');
  assert.is(code, 1);
  assert.is(
    out,
    `sync: 1.0.0 at v1.0.0, 1.1.0 now
  breaks
    parameter UPDATE_FREQUENCY was renamed to UPDATE_PERIOD, and its old name is
    an error now
      → declare UPDATE_PERIOD with deprecated: ['UPDATE_FREQUENCY'], and anyone
      who sets UPDATE_FREQUENCY gets a warning instead.
  1.1.0 is not enough: this demands a major version, 2.0.0 or higher
  (sidecars/sync/src/contract.ts)
`,
  );
  assert.ok(out.split('\n').every((line) => line.length <= 80));
  declare('2.0.0', 'UPDATE_PERIOD');
  assert.is(contract('diff', 'v1.0.0').code, 0);
});

test('diff: another unit needs a major version even with the alias', () => {
  declare('1.1.0', 'UPDATE_PERIOD', "deprecated: ['UPDATE_FREQUENCY'], unit: 'ms'");
  const { code, out } = contract('diff', 'v1.0.0', '--json');
  assert.is(code, 1);
  const { ref, sidecars } = JSON.parse(out) as {
    ref: string;
    sidecars: {
      name: string;
      from: string;
      to: string;
      demanded: string;
      least: string;
      enough: boolean;
      changes: { impact: string }[];
    }[];
  };
  assert.is(ref, 'v1.0.0');
  assert.equal(
    { ...sidecars[0], changes: sidecars[0]!.changes.map(({ impact }) => impact) },
    {
      name: 'sync',
      path: 'sidecars/sync',
      from: '1.0.0',
      to: '1.1.0',
      demanded: 'major',
      least: '2.0.0',
      enough: false,
      changes: ['addition', 'breaking'],
    },
  );
});

test('diff: a sidecar without a contract at the ref is new, one that is gone is named', () => {
  declare('1.0.0', 'UPDATE_FREQUENCY');
  const fresh = contract('diff', 'before');
  assert.equal([fresh.code, fresh.out], [0, 'sync 1.0.0: new, before has no contract of it\n']);
  mkdirSync(join(root, 'sidecars', 'old'));
  writeFileSync(join(root, 'sidecars', 'old', 'contract.json'), '{"version":"1.0.0","parameters":{}}');
  git('add', '.');
  git('commit', '-q', '-m', 'old');
  const gone = contract('diff', 'HEAD');
  assert.equal([gone.code, gone.out], [0, 'sync: 1.0.0 at HEAD, 1.0.0 now\n  no change\nold 1.0.0 at HEAD: gone\n']);
});

test('diff: a ref that is none, and one that is an option or a command, is an error', () => {
  for (const ref of ['nope', '$(touch pwned)', 'HEAD; touch pwned', '']) {
    const { code, err } = contract('diff', ref);
    assert.is(code, 2, ref);
    assert.match(err, 'is no commit, tag or branch here');
  }
  assert.is(contract('diff', '--', '--output=pwned').code, 2);
  assert.not(git('status', '--porcelain').includes('pwned'));
});

test('diff: a contract.json that is none is an error', () => {
  const file = join(folder, 'contract.json');
  const text = readFileSync(file, 'utf8');
  for (const broken of ['{', '{}', 'null']) {
    writeFileSync(file, broken);
    git('commit', '-q', '-a', '-m', 'broken');
    const { code, err } = contract('diff', 'HEAD');
    assert.is(code, 2);
    assert.match(err, /^contract: HEAD:sidecars\/sync\/contract\.json is no contract: /);
  }
  writeFileSync(file, text);
});

test('a server is held to its contract like a sidecar', () => {
  const server = join(root, 'servers', 'server');
  mkdirSync(join(server, 'src'), { recursive: true });
  const declaration = readFileSync(join(folder, 'src', 'contract.ts'), 'utf8');
  writeFileSync(join(server, 'src', 'contract.ts'), declaration.replace("name: 'sync'", "name: 'server'"));
  try {
    const { code, out } = contract('server');
    assert.is(code, 1);
    assert.match(out, /^servers\/server\/contract\.json: declared: contract .*; there: no such file/m);
    assert.match(contract().out, /2 contracts checked/);
    assert.match(contract('write', 'server').out, /^servers\/server\/contract\.json: written$/m);
    git('add', '.');
    git('commit', '-q', '-m', 'server');
    assert.match(contract('diff', 'HEAD', 'server').out, /^server: \S+ at HEAD, \S+ now\n {2}no change\n$/);
  } finally {
    rmSync(join(root, 'servers'), { recursive: true });
  }
});

test('a clone beside another one looks at its own images', () => {
  const engine = mkdtempSync(join(root, 'engine-'));
  const script = '#!/bin/sh\n[ "$1" = volume ] && echo elsewhere:/other && exit\necho "No such image" >&2\nexit 1\n';
  writeFileSync(join(engine, 'docker'), script, { mode: 0o755 });
  const { out } = contractWith({ PATH: `${engine}:${process.env['PATH']}` }, 'check', 'sync');
  assert.match(out, /^sidecar-stacks\/sync:dev-[0-9a-f]{6}: not built/m);
});

test('a wrong command line is told what is right', () => {
  for (const [args, message] of [
    [['diff'], /needs a git ref/],
    [['--bogus'], /Unknown option/],
    [['nobody'], /nobody is no sidecar; there is sync/],
    [['write', '--image'], /takes no --image/],
  ] as const) {
    const { code, err } = contract(...args);
    assert.is(code, 2);
    assert.match(err, message);
  }
  assert.match(contract('--help').out, /^Keep a sidecar's contract/);
  assert.ok(
    contract('--help')
      .out.split('\n')
      .every((line) => line.length <= 80),
  );
});

test.run();
