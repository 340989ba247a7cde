import { ConfigServer } from '../../scripts/lib/config-server.ts';
import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { page, portOf } from '../commands/observe.ts';
import { why } from './why.ts';

const KEY = 'board.ini';

async function server(stage: Stage): Promise<ConfigServer> {
  await running(stage, 'operator');
  const token = await stage.project.exec('operator', ['cat', '/tokens/operator/token']);
  return new ConfigServer(`http://127.0.0.1:${await portOf(stage, 'config-server', 8080)}`, token);
}

/** What became of each version, from the first. */
async function fates(stage: Stage): Promise<(string | undefined)[]> {
  const config = await server(stage);
  const latest = Number(await config.version(KEY));
  const all = Array.from({ length: latest }, (_, index) => config.report(KEY, String(index + 1), 'board'));
  return (await Promise.all(all)).map((report) => report?.state);
}

const release = (text: string): string | undefined => /^release\s*=\s*(\S+)$/m.exec(text)?.[1];

async function shown(stage: Stage): Promise<string | undefined> {
  return release(await page(`http://127.0.0.1:${await portOf(stage, 'pod', 8080)}/`));
}

async function yours(stage: Stage): Promise<void> {
  need((await fates(stage)).filter((state) => state === 'applied').length >= 2, why('noneApplied'));
  const now = await shown(stage);
  need(now !== '1', why('stillFirst'));
}

async function takenBack(stage: Stage): Promise<void> {
  const all = await fates(stage);
  need(all.includes('rolled-back'), why('noRollback', { fates: all.join(', ') }));
}

async function goodAgain(stage: Stage): Promise<void> {
  const all = await fates(stage);
  need(all.at(-1) === 'applied', why('latestIs', { fate: all.at(-1) ?? why('notReported') }));
  const wanted = release(await (await server(stage)).get(KEY));
  const now = await shown(stage);
  need(now === wanted, why('otherRelease', { shown: now, wanted }));
  need(all.lastIndexOf('applied') > all.indexOf('rolled-back'), why('noGoodAfter'));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'show a release of yours on the board', look: yours },
    { must: 'have seen a version being rolled back', look: takenBack },
    { must: 'be at the latest version, which is good', look: goodAgain },
  ],
});
