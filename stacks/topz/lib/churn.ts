/** A minute of scraping while processes come and go. */
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { processesOf, type Topz } from './client.ts';

/**
 * Start and end processes in Apache's container, ask topz all the time, and see that it neither fails
 * nor grows.
 * @param uid of Apache
 */
export async function bearChurn(stage: Stage, topz: Topz, uid: number): Promise<void> {
  const { project, say } = stage;
  const own = async () => processesOf(await topz.overview(), 'topz')[0]!;
  const size = async (): Promise<{ files: number; mebibytes: number }> => {
    const { pid } = await own();
    const text = await project.exec('topz', [
      'bash',
      '-c',
      `ls /proc/${pid}/fd | wc -l; grep VmRSS /proc/${pid}/status`,
    ]);
    const [, files, kib] = /^(\d+)\s+VmRSS:\s+(\d+) kB/.exec(text)!;
    return { files: Number(files), mebibytes: Number(kib) / 1024 };
  };
  const { pid } = await own();
  const before = await size();
  const script = `end=$((SECONDS + 60)); count=0
    while ((SECONDS < end)); do
      for i in {1..25}; do sleep "0.\${RANDOM:0:2}" & done
      count=$((count + 25)); wait
    done; echo $count`;
  const churn = project.exec('apache', ['bash', '-c', script], { timeoutMs: 120_000 });
  let scrapes = 0;
  const seen = new Set<string>();
  let most = 0;
  const paths = ['/metrics', '/topz?format=text&tree', '/topz?format=json&history'];
  await steadily(
    async () => {
      await topz.text(paths[scrapes++ % paths.length]!);
      const { processes } = await topz.overview();
      for (const process of processes) {
        assert.type(process.command, 'string');
        assert.ok(process.pid > 0 && process.resident_bytes >= 0 && process.elapsed_seconds >= 0);
        if (process.name === 'sleep') seen.add(`${process.pid} ${process.started}`);
      }
      most = Math.max(most, processes.length);
      scrapes++;
    },
    60_000,
    150,
  );
  const started = Number(await churn);
  assert.ok(started >= 300, `${started} processes came and went`);
  assert.ok(seen.size >= 100, `${seen.size} of them were seen`);
  assert.is((await own()).pid, pid, 'the same topz all the time');
  const log = await project.logs((await project.inspect('topz')).Id);
  assert.not.match(log, /"level":"(warn|error|fatal)"/);
  await eventually('none of them is shown any more', async () => {
    const { processes } = await topz.overview();
    return processes.every(({ name, uid: user }) => name !== 'sleep' || user !== uid);
  });
  const after = await eventually('its files are back to what they were', async () => {
    const now = await size();
    return now.files <= before.files + 8 && now;
  });
  assert.ok(after.mebibytes - before.mebibytes < 12, `memory ${before.mebibytes} MiB, then ${after.mebibytes} MiB`);
  say(
    `${started} processes, ${seen.size} seen, up to ${most} at once, ${scrapes} scrapes; files ${before.files} then ${after.files}, memory ${before.mebibytes.toFixed(1)} then ${after.mebibytes.toFixed(1)} MiB`,
  );
}
