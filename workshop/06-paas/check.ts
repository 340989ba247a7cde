import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { page, portOf } from '../commands/observe.ts';
import { why } from './why.ts';

/** Hashes of the branch, from the latest. */
async function history(stage: Stage): Promise<string[]> {
  await running(stage, 'developer');
  return (await stage.project.exec('developer', ['git', '-C', '/srv/git/app.git', 'rev-list', 'main'])).split('\n');
}

interface Version {
  readonly hash: string | null;
  readonly verified?: string;
}

async function admin(stage: Stage, path: string): Promise<string> {
  await running(stage, 'git-sync');
  return page(`http://127.0.0.1:${await portOf(stage, 'pod', 9941)}${path}`);
}

const shown = async (stage: Stage): Promise<string> => page(`http://127.0.0.1:${await portOf(stage, 'pod', 3000)}/`);

async function yours(stage: Stage): Promise<void> {
  need((await history(stage)).length >= 2, why('nothingPushed'));
  need((await shown(stage)) !== 'Release 1\n', why('stillFirst'));
}

/** The sidecar counts what it publishes again. An application that is slow to start is not well at first, either. */
async function takenBack(stage: Stage): Promise<void> {
  const metrics = await admin(stage, '/metrics');
  const back = /^git_sync_publications_total\{[^}]*reason="rollback"[^}]*\} (\d+)/m.exec(metrics);
  need(Number(back?.[1] ?? 0) > 0, why('nothingTakenBack'));
}

async function goodAgain(stage: Stage): Promise<void> {
  const commits = await history(stage);
  need(commits.length >= 4, why('tooFew', { count: commits.length }));
  const { hash, verified } = JSON.parse(await admin(stage, '/version')) as Version;
  need(hash === commits[0], why('notLive', { live: hash?.slice(0, 7), main: commits[0]!.slice(0, 7) }));
  need(verified === hash, why('notVerified'));
  await shown(stage);
}

export default exercise({
  runs: true,
  checks: [
    { must: 'run a version of yours', look: yours },
    { must: 'have seen a version being taken back', look: takenBack },
    { must: 'run what main is at, and be well', look: goodAgain },
  ],
});
