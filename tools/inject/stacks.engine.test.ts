/**
 * Compose projects of different shape get the tls sidecar, are committed, and answer HTTPS from a colleague's clone:
 * with containers.
 */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '#kit/process/command.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { removeProjectImages } from '#kit/testing/images.ts';
import { buildFolder, copyBuild } from '../bundled/build-folder.ts';
import { SIDECARS } from '../bundled/sidecars.ts';
import { main } from '../main.ts';

const test = suite('inject: running stacks');

const DEBIAN = process.env['DEBIAN_BASE'] || 'sidecar-stacks/debian:trixie';
const MINUTES = 180_000;

/** A web server that answers with one word, in Perl; `$$` is compose's way to write a dollar sign. */
const SERVER = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1); bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 5); while (accept(C, S)) { while (defined($$l = <C>)) { last if $$l =~ /^\\\\r?\\\\n/ } print C qq(HTTP/1.0 200 OK\\\\r\\\\nContent-Length: 5\\\\r\\\\n\\\\r\\\\nhello); close C }`;
const web = (more = ''): string =>
  `  web:\n    image: ${DEBIAN}\n    init: true\n    command: [perl, -e, "${SERVER}"]\n${more}`;
const idle = (name: string, more = ''): string =>
  `  ${name}:\n    image: ${DEBIAN}\n    init: true\n    command: sleep infinity\n${more}`;
const PUBLISHED = '    ports: ["127.0.0.1::8080"]\n';

interface Shape {
  readonly files: Readonly<Record<string, string>>;
  /** A command in a service of the stack that must succeed. */
  readonly check?: readonly [service: string, ...command: string[]];
  readonly profile?: string;
  readonly unpublished?: boolean;
}
const reach = (host: string): string[] => [
  'perl',
  '-e',
  `use Socket; alarm 5; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(8080, inet_aton('${host}') || die 'unknown')) or die $!`,
];
const compose = (text: string): Record<string, string> => ({ 'compose.yaml': `services:\n${text}` });

const SHAPES: Readonly<Record<string, Shape>> = {
  'a published port': { files: compose(web(PUBLISHED)) },
  'networks with aliases': {
    files: {
      'compose.yaml': `services:\n${web(`${PUBLISHED}    networks: {front: {aliases: [shop]}, back: {}}\n`)}${idle('client', '    networks: [back]\n')}networks: {front: {}, back: {}}\n`,
    },
    check: ['client', ...reach('web')],
  },
  'an alias that others use': {
    files: {
      'compose.yaml': `services:\n${web(`${PUBLISHED}    networks: {front: {aliases: [shop]}}\n`)}${idle('client', '    networks: [front]\n')}networks: {front: {}}\n`,
    },
    check: ['client', ...reach('shop')],
  },
  'a host name, hosts and resolvers': {
    files: compose(
      web(
        `${PUBLISHED}    hostname: webby\n    domainname: example.test\n    extra_hosts: ["oracle:10.1.2.3"]\n    dns_search: [example.test]\n`,
      ),
    ),
    check: [
      'web',
      'sh',
      '-c',
      'test "$(hostname)" = webby && grep -q 10.1.2.3 /etc/hosts && grep -q example.test /etc/resolv.conf',
    ],
  },
  'somebody who joined the network': {
    files: compose(web(PUBLISHED) + idle('helper', '    network_mode: service:web\n    depends_on: [web]\n')),
    check: ['helper', ...reach('127.0.0.1')],
  },
  'a health check that others wait for': {
    files: compose(
      web(
        `${PUBLISHED}    healthcheck: {test: [CMD, perl, -e, "use Socket; socket(S,PF_INET,SOCK_STREAM,0); exit !connect(S,sockaddr_in(8080,INADDR_LOOPBACK))"], interval: 1s}\n`,
      ) + idle('late', '    depends_on: {web: {condition: service_healthy}}\n'),
    ),
    check: ['late', ...reach('web')],
  },
  links: {
    files: compose(web(`${PUBLISHED}    links: ["db:database"]\n`) + idle('db')),
    check: ['web', 'getent', 'hosts', 'database'],
  },
  'kernel settings of both kinds': {
    files: compose(web(`${PUBLISHED}    sysctls: {net.core.somaxconn: 777, kernel.msgmax: 9000}\n`)),
    check: [
      'web',
      'sh',
      '-c',
      'test "$(cat /proc/sys/net/core/somaxconn)" = 777 && test "$(cat /proc/sys/kernel/msgmax)" = 9000',
    ],
  },
  'a profile': { files: compose(web(`${PUBLISHED}    profiles: [shop]\n`)), profile: 'shop' },
  'an override file and variables': {
    files: {
      ...compose(web('    ports: ["${ADDRESS:-127.0.0.1}::8080"]\n')),
      'compose.override.yaml': `services:\n  web: {environment: {A: b}, restart: unless-stopped}\n`,
    },
    check: ['web', 'sh', '-c', 'test "$A" = b'],
  },
  'an image of its own, and a port that only neighbours see': {
    files: {
      'compose.yaml': `services:\n  web:\n    build: app\n    init: true\n    expose: [8080]\n    command: [perl, -e, "${SERVER}"]\n`,
      'app/Dockerfile': `FROM ${DEBIAN}\nUSER 65534\n`,
    },
    unpublished: true,
  },
};

const page = (port: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, rejectUnauthorized: false, timeout: 3000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });

const SIDECAR_BASE = process.env['SIDECAR_BASE'] || 'sidecar-stacks/node:26';

for (const name of Object.keys(SIDECARS))
  test(`the image of ${name} is built from what is written for it, and starts`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'inject-'));
    const image = `inject-${process.pid}-${name}`;
    const docker = async (...args: string[]): Promise<string> =>
      (await runCommand(['docker', ...args], { cwd: folder, timeout: MINUTES, maxOutput: 1_000_000 })).stdout;
    try {
      copyBuild(buildFolder(name)!, folder);
      await docker('build', '--quiet', '--build-arg', `SIDECAR_BASE=${SIDECAR_BASE}`, '--tag', image, '.');
      assert.match(await docker('run', '--rm', '--network', 'none', image, '--version'), name);
    } finally {
      await docker('image', 'rm', image).catch(() => {});
      rmSync(folder, { recursive: true });
    }
  });

/** What somebody has who never saw the folder in which the sidecar was injected. */
async function commitAndClone(origin: string, clone: string): Promise<void> {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  for (const words of [
    ['init', '--quiet'],
    ['add', '.'],
    ['commit', '--quiet', '--message', 'x'],
    ['clone', '--quiet', '.', clone],
  ])
    await runCommand(['git', ...identity, ...words], { cwd: origin, timeout: MINUTES, maxOutput: 100_000 });
  rmSync(origin, { recursive: true });
}

let number = 0;
for (const [what, { files, check, profile, unpublished }] of Object.entries(SHAPES))
  test(`${what}: HTTPS answers, a second up changes nothing, a new application strands nobody`, async () => {
    const origin = mkdtempSync(join(tmpdir(), 'inject-'));
    const folder = `${origin}-clone`;
    const project = `inject-${process.pid}-${number++}`;
    const env = { ...process.env, SIDECAR_BASE };
    const docker = async (...args: string[]): Promise<string> =>
      (
        await runCommand(
          ['docker', 'compose', '-p', project, ...(profile === undefined ? [] : ['--profile', profile]), ...args],
          { cwd: folder, env, timeout: MINUTES, maxOutput: 1_000_000 },
        )
      ).stdout;
    const containers = async (): Promise<Map<string, string>> =>
      new Map(
        (await docker('ps', '--format', '{{.Service}} {{.ID}}'))
          .trim()
          .split('\n')
          .map((line) => line.split(' ') as [string, string]),
      );
    try {
      for (const [name, text] of Object.entries({ ...files, '.gitignore': 'dist\n*.mjs\n' })) {
        mkdirSync(dirname(join(origin, name)), { recursive: true });
        writeFileSync(join(origin, name), text);
      }
      let said = '';
      const code = await main(['inject', 'tls', '--into', 'web', '--publish', '127.0.0.1::8443', '--write-env'], {
        folder: origin,
        environment: {},
        out: () => {},
        err: (text) => void (said += text),
      });
      assert.is(code, 0, said);
      await commitAndClone(origin, folder);
      await docker('up', '--build', '--wait', '--detach');
      const https = async (): Promise<string> =>
        page((await docker('port', 'web-pod', '8443')).trim().split(':').at(-1)!);
      assert.is(await eventually('HTTPS answers', https), 'hello');
      if (!unpublished) assert.match(await docker('port', 'web-pod', '8080'), /^127\.0\.0\.1:\d+/);
      if (check) await docker('exec', '-T', ...check);
      const before = await containers();
      await docker('up', '--wait', '--detach');
      assert.equal([...(await containers())], [...before]);
      await docker('up', '--wait', '--detach', '--no-deps', '--force-recreate', 'web');
      const after = await containers();
      assert.equal(
        [...before].filter(([name, id]) => after.get(name) !== id).map(([name]) => name),
        ['web'],
      );
      assert.is(await eventually('HTTPS answers from the new one', https), 'hello');
    } finally {
      await docker('down', '--volumes', '--remove-orphans', '--timeout', '2').catch(() => {});
      await removeProjectImages(project);
      for (const each of [origin, folder]) rmSync(each, { recursive: true, force: true });
    }
  });

test.run();
