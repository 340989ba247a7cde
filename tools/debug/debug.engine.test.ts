/** debug and topz beside containers that run, of no project of ours: what they see, and what they leave. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandError, runCommand } from '#kit/process/command.ts';

const test = suite('debug and topz: any container');

const DEBIAN = process.env['DEBIAN_BASE'] || 'sidecar-stacks/debian:trixie';
const SIDECAR = process.env['SIDECAR_BASE'] || 'sidecar-stacks/node:26';
const env = { ...process.env, DEBIAN_BASE: DEBIAN, SIDECAR_BASE: SIDECAR };
const BIN = join(import.meta.dirname, '../bin.ts');
const MINUTES = 300_000;
const NAME = `debug-${process.pid}`;

const docker = async (...args: string[]): Promise<string> =>
  (await runCommand(['docker', ...args], { timeout: MINUTES })).stdout.trim();
async function ours(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  try {
    const { stdout: out, stderr: err } = await runCommand([process.execPath, BIN, ...args], { env, timeout: MINUTES });
    return { code: 0, out, err };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code === undefined) throw error;
    return { code: error.code, out: error.stdout, err: error.stderr };
  }
}

test.before(async () => {
  const common = ['run', '--detach', '--label=dev.sidecar-stacks.stack=debug', '--init'];
  const volume = `--volume=${NAME}:/data`;
  await docker(...common, `--name=${NAME}`, volume, DEBIAN, 'sh', '-c', 'echo kept > /data/note; exec sleep 3001');
  await docker(...common, `--name=${NAME}-beside`, `--network=container:${NAME}`, DEBIAN, 'sleep', '3002');
});
test.after(async () => {
  await docker('rm', '--force', '--volumes', NAME, `${NAME}-beside`);
  await docker('volume', 'rm', '--force', NAME);
});

test('a command of the tools sees processes, network, volumes and files; its exit code is ours', async () => {
  const script = `cat /data/note; ps -ef | grep -c '[s]leep 3001'; cat /proc/1/root/etc/debian_version; command -v strace tcpdump; hostname -I; exit 7`;
  const { code, out, err } = await ours('debug', NAME, '--', 'bash', '-c', script);
  assert.is(code, 7, err);
  const address = await docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', NAME);
  const [note, processes, version, strace, tcpdump, own] = out.trim().split('\n');
  assert.equal([note, strace, tcpdump, own?.trim()], ['kept', '/usr/bin/strace', '/usr/bin/tcpdump', address]);
  assert.ok(Number(processes) >= 1);
  assert.match(version!, /^(\d+|\w+\/sid)/);
});

test('beside a container that joined another, the network is that of both', async () => {
  const { code, out, err } = await ours('debug', `${NAME}-beside`, '--', 'ps', '-e', '-o', 'args');
  assert.is(code, 0, err);
  assert.match(out, 'sleep 3002');
  assert.not.match(out, 'sleep 3001');
});

test('topz shows its processes as text; nothing is left of either', async () => {
  const { code, out, err } = await ours('topz', `${NAME}-beside`, '--text');
  assert.is(code, 0, err);
  assert.match(out, /sleep 3002$/m);
  assert.match((await ours('topz', `${NAME}x`)).err, `did you mean ${NAME}?`);
  const left = await docker('ps', '--all', '--quiet', '--filter', `volume=${NAME}`);
  assert.is(left.split('\n').length, 1);
  const modes = await docker(
    'ps',
    '--all',
    '--format',
    '{{.Image}} {{.Names}}',
    '--filter',
    'label=dev.sidecar-stacks.stack=topz',
  );
  assert.not.match(modes, /sidecar-stacks\/topz:\d/);
});

test.run();
