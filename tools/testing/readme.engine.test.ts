/** The library's example of the README, run as it stands, under node:test and with the packed library's name. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError, runCommand } from '#kit/process/command.ts';

const test = suite("library: the README's example");

const DEBIAN = process.env['DEBIAN_BASE'] || 'sidecar-stacks/debian:trixie';
/** A shop that answers 503 while its database cannot be reached; both in Perl. */
const COMPOSE = `services:
  shop:
    image: ${DEBIAN}
    init: true
    ports: ["8080"]
    command:
      - perl
      - -e
      - |
        use Socket; $$SIG{CHLD} = 'IGNORE'; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
        bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 20);
        while (accept(C, S)) { next if fork; while (defined($$l = <C>)) { last if $$l =~ /^\\r?\\n/ }
          my $$ok = eval { local $$SIG{ALRM} = sub { die }; alarm 1; socket(D, PF_INET, SOCK_STREAM, 0); my $$a = inet_aton('db') or die; connect(D, sockaddr_in(5432, $$a)) or die; alarm 0; 1 };
          print C $$ok ? "HTTP/1.0 200 OK\\r\\n\\r\\nok\\n" : "HTTP/1.0 503 Service Unavailable\\r\\n\\r\\nno\\n"; close C; exit }
  db:
    image: ${DEBIAN}
    init: true
    command: [perl, -e, "use Socket; socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(5432, INADDR_ANY)) or die; listen(S, 20); while (accept(C, S)) { close C }"]
`;

test('passes under node:test', async () => {
  const root = join(import.meta.dirname, '..', '..');
  const example = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'tools/README.md'), 'utf8'))![1]!;
  const folder = mkdtempSync(join(tmpdir(), 'example-'));
  try {
    mkdirSync(join(folder, 'node_modules/sidecar-stacks'), { recursive: true });
    await build({
      entryPoints: [join(root, 'tools/index.ts')],
      outfile: join(folder, 'node_modules/sidecar-stacks/index.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    writeFileSync(
      join(folder, 'node_modules/sidecar-stacks/package.json'),
      '{"name": "sidecar-stacks", "type": "module", "exports": "./index.mjs"}',
    );
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    writeFileSync(join(folder, 'compose.yaml'), COMPOSE);
    writeFileSync(join(folder, 'shop.test.js'), example);
    const { stdout } = await runCommand([process.execPath, '--test'], { cwd: folder, timeout: 180_000 }).catch(
      (error: unknown) => {
        throw error instanceof CommandError ? new Error(`${error.message}\n${error.stdout}`) : error;
      },
    );
    assert.match(stdout, /pass 1/);
    assert.match(stdout, /fail 0/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
