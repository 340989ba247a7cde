import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '#kit/process/command.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { StackError, up, type Stack } from '../index.ts';

const test = suite('library: up');

/** A web server in six lines of Perl, and a client beside it. */
const COMPOSE = `services:
  web:
    image: \${DEBIAN_BASE:-sidecar-stacks/debian:trixie}
    container_name: a-name-that-can-exist-once
    init: true
    command:
      - perl
      - -e
      - |
        use Socket; $$| = 1; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
        bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 5); print "listening\\n";
        while (accept(C, S)) { while (defined($$l = <C>)) { last if $$l =~ /^\\r?\\n/ } print C "HTTP/1.0 200 OK\\r\\n\\r\\n$$ENV{GREETING}\\n"; close C }
    environment: {GREETING: "\${GREETING:-hello}"}
    ports: ["18999:8080"]
    healthcheck: {test: ["CMD", "perl", "-e", "use Socket; socket(S,PF_INET,SOCK_STREAM,0); exit !connect(S, sockaddr_in(8080, INADDR_LOOPBACK))"], interval: 1s}
  client:
    image: \${DEBIAN_BASE:-sidecar-stacks/debian:trixie}
    init: true
    command: sleep infinity
`;

let folder: string;
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'up-'));
  writeFileSync(join(folder, 'compose.yaml'), COMPOSE);
});
test.after(() => rmSync(folder, { recursive: true }));

const file = (): string => join(folder, 'compose.yaml');
const page = async (stack: Stack): Promise<string> =>
  (await fetch(await stack.url('web', 8080), { signal: AbortSignal.timeout(2000) })).text();
const leftOf = async (project: string): Promise<string> =>
  (await runCommand(['docker', 'ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`])).stdout.trim();

test('two copies of a project with a fixed port and a fixed name run at once, and are removed', async () => {
  let projects: string[];
  {
    await using one = await up(file(), { env: { GREETING: 'one' } });
    await using two = await up(file(), { env: { GREETING: 'two' } });
    assert.equal([await page(one), await page(two)], ['one\n', 'two\n']);
    projects = [one.project, two.project];
  }
  for (const project of projects) assert.is(await leftOf(project), '');
});

test('exec, logs, kill, start and pause act on a service', async () => {
  await using stack = await up(file());
  assert.is((await stack.exec('client', ['cat'], { input: 'in and out' })).stdout, 'in and out');
  const failed = await stack.exec('client', ['false']).catch((error: unknown) => error);
  assert.ok(failed instanceof StackError && failed.reason === 'exec');
  assert.match(await stack.logs('web'), /listening/);
  await stack.kill('web');
  await stack.eventually('nobody answers', () =>
    page(stack).then(
      () => false,
      () => true,
    ),
  );
  await stack.start('web');
  await stack.eventually('it answers again', () => page(stack));
  await stack.pause('web');
  await stack.eventually('nobody answers in time', () =>
    page(stack).then(
      () => false,
      () => true,
    ),
  );
  await stack.unpause('web');
  await stack.eventually('it answers once more', () => page(stack));
});

test('a cut service is unreachable under its name, and healed it is reachable again', async () => {
  await using stack = await up(file());
  const reach = () =>
    stack.exec('client', [
      'perl',
      '-e',
      'use Socket; alarm 2; socket(S,PF_INET,SOCK_STREAM,0); my $a = inet_aton("web") or die "unknown"; connect(S, sockaddr_in(8080, $a)) or die',
    ]);
  await reach();
  await stack.cut('web');
  const gone = await reach().catch((error: unknown) => error);
  assert.instance(gone, StackError);
  await stack.heal('web');
  await stack.eventually('it is reachable', () => reach().then(() => true));
});

test('what does not come up is told with its logs, and leaves nothing', async () => {
  const broken = join(folder, 'broken.yaml');
  writeFileSync(
    broken,
    'services: {a: {image: "${DEBIAN_BASE:-sidecar-stacks/debian:trixie}", command: [sh, -c, "echo why not; exit 3"]}}',
  );
  const error = await up(broken, { timeout: 20_000, name: 'broken' }).catch((caught: unknown) => caught);
  assert.instance(error, StackError);
  assert.match((error as StackError).logs, /why not/);
  const project = /^broken-[0-9a-f]{8}/.exec((error as StackError).message)![0];
  assert.is(await leftOf(project), '');
});

test('a test process that is killed leaves nothing', async () => {
  const program = join(import.meta.dirname, '..', '..', `killed-${process.pid}.ts`);
  writeFileSync(
    program,
    `import { up } from './tools/index.ts';\nconst stack = await up(${JSON.stringify(file())});\nconsole.log(stack.project);\nsetInterval(() => {}, 1000);\n`,
  );
  try {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const project = await eventually('it is up', () => (said.includes('\n') ? said.trim() : undefined), {
      within: 60_000,
    });
    assert.is.not(await leftOf(project), '');
    child.kill('SIGKILL');
    await eventually('nothing is left', async () => (await leftOf(project)) === '', { within: 60_000 });
  } finally {
    rmSync(program);
  }
});

test.run();
