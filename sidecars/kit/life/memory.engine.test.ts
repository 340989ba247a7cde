/** What a sidecar gives back once its start is over, in its image, as its own user. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../testing/eventually.ts';
import { buildImages, imageOf } from '../testing/images.ts';

const test = suite('memory after the start');
const run = promisify(execFile);
const name = `memory-test-${randomUUID().slice(0, 8)}`;

test.before(buildImages);
test.after(async () => void (await run('docker', ['rm', '--force', '--volumes', name])));

/** What is mapped of files, in MiB. */
async function mapped(): Promise<number> {
  const { stdout } = await run('docker', ['exec', name, 'grep', 'RssFile', '/proc/1/status']);
  return Number(/(\d+) kB/.exec(stdout)![1]) / 1024;
}

test('a log shipper without work lets go of half of what is mapped of files, and goes on', async () => {
  const options = ['--detach', '--name', name, '--label', 'dev.sidecar-stacks.stack=memory-test', '--network', 'none'];
  const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true'];
  const state = ['--tmpfs', '/var/lib/log-shipper:uid=65532'];
  const variables = [
    '--env',
    'FILE_PATHS=/logs/*.log',
    '--env',
    'STORE_URL=http://127.0.0.1:9/',
    '--env',
    'SERVICE_NAME=x',
  ];
  await run('docker', ['run', ...options, ...hardened, ...state, ...variables, imageOf('log-shipper')]);
  let most = 0;
  await eventually(
    'half of it is let go of',
    async () => {
      const now = await mapped();
      most = Math.max(most, now);
      return now < most / 2 || Promise.reject(new Error(`${now.toFixed(1)} of ${most.toFixed(1)} MiB are mapped`));
    },
    { within: 60_000, every: 200 },
  );
  const { stdout } = await run('docker', ['exec', name, '/sidecar/healthcheck', '/startupz']).then(() =>
    run('docker', ['logs', name]),
  );
  assert.not.match(stdout, /"level":"(?:fatal|error)"/);
});

test.run();
