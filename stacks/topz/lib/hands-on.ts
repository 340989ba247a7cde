/** The classic hands-on: topz beside a container that this project did not start. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { docker } from '../../../scripts/lib/engine.ts';
import { STACK_LABEL } from '../../../scripts/lib/labels.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { run } from '../../../scripts/lib/run.ts';
import { ROOT } from '../../../scripts/lib/stacks.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { Topz, type OverviewDocument } from './client.ts';

const TOPZ = `sidecar-stacks/topz:${process.env['IMAGE_TAG'] || 'dev'}`;
const DEBIAN = process.env['DEBIAN_BASE'] || 'sidecar-stacks/debian:trixie';

/** Start a plain container, look into it in three ways, and compare. */
export async function lookAround({ project, say }: Stage): Promise<void> {
  const started: string[] = [];
  const start = async (name: string, args: readonly string[]): Promise<string> => {
    const full = `${project.name}-${name}`;
    started.push(full);
    // The label is for `make clean`, should this end half way.
    return docker(['run', '--detach', '--rm', '--name', full, `--label=${STACK_LABEL}=topz`, ...args], {
      timeoutMs: 60_000,
    });
  };
  try {
    const app = await start('stranger', ['--user=1234:1234', DEBIAN, 'sh', '-c', 'sleep 3001 & exec sleep 3002']);
    const beside = (...args: string[]): string[] => [`--pid=container:${app}`, '--publish=127.0.0.1::8080', ...args];

    const byFlag = await start('flag', beside(TOPZ, '/server', '--addr=0.0.0.0:8080'));
    await check(await look(byFlag), app, '1234');
    say(`docker run --pid=container:$APP_ID -p 8080:8080 ${TOPZ} /server --addr=0.0.0.0:8080`);

    // As Kubernetes would: its `command` takes the entrypoint's place.
    const byEnvironment = await start(
      'env',
      beside('--env=TOPZ_ADDRESS=:8080', '--user=1234:1234', '--entrypoint=/server', TOPZ),
    );
    const topz = await look(byEnvironment);
    await check(topz, app, '1234');
    const sleeping = (await topz.overview()).processes.find(({ command }) => command === 'sleep 3002')!;
    const { namespaces, sockets, lacks } = await topz.detail(sleeping.pid);
    assert.equal(lacks, undefined, 'the same user and group may see all of it');
    assert.ok(namespaces!.find(({ name }) => name === 'pid')!.shared);
    assert.not.ok(namespaces!.find(({ name }) => name === 'mnt')!.shared);
    assert.equal(sockets, []);

    const { exitCode, stdout, stderr } = await run(
      process.execPath,
      [join(ROOT, 'scripts/run.mjs'), 'topz', `${project.name}-stranger`, '--text'],
      { timeoutMs: 60_000 },
    );
    assert.is(exitCode, 0, stderr);
    assert.match(stdout, /^topz - [\d:]+ up /);
    assert.match(stdout, /sleep 3001\n/);
    assert.match(stdout, /sleep 3002\n/);
    for (const line of (await topz.text('/topz?width=74')).split('\n').slice(4, 8)) say(line);
    const left = await besides(app);
    assert.equal(left.toSorted(), [byFlag, byEnvironment].toSorted(), 'npm run topz leaves nothing behind');
  } finally {
    await docker(['rm', '--force', ...started], { timeoutMs: 60_000 }).catch(() => undefined);
  }
}

/** Ids of the containers that share a container's processes. */
async function besides(app: string): Promise<string[]> {
  const ids = await docker(['ps', '--quiet', '--no-trunc', '--filter', `ancestor=${TOPZ}`], { timeoutMs: 30_000 });
  const modes = await docker(['inspect', '--format', '{{.Id}} {{.HostConfig.PidMode}}', ...ids.split('\n')], {
    timeoutMs: 30_000,
  });
  return modes
    .split('\n')
    .filter((line) => line.endsWith(` container:${app}`))
    .map((line) => line.split(' ')[0]!);
}

async function look(container: string): Promise<Topz> {
  const address = await docker(['port', container, '8080/tcp'], { timeoutMs: 30_000 });
  const topz = new Topz(Number(address.split('\n')[0]!.split(':').at(-1)));
  await eventually('topz answers', () => topz.overview(), { within: 30_000 });
  return topz;
}

async function check(topz: Topz, app: string, user: string): Promise<void> {
  const document: OverviewDocument = await topz.overview();
  const processes = document.processes.filter(({ group }) => group === app.slice(0, 12));
  assert.equal(processes.map(({ command }) => command).toSorted(), ['sleep 3001', 'sleep 3002']);
  assert.ok(processes.every((process) => process.user === user));
}
