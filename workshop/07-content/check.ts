import { randomBytes } from 'node:crypto';
import { serviceOf, type Inspected } from '../../scripts/lib/compose.ts';
import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { page, publishedPort, settled } from '../commands/observe.ts';
import { why } from './why.ts';

type Mounted = Inspected & { readonly Mounts: readonly { Name?: string; RW: boolean }[] };

const site = async (stage: Stage): Promise<string> => page(`http://127.0.0.1:${await publishedPort(stage, 8080)}/`);

async function serves(stage: Stage): Promise<void> {
  await running(stage, 'nginx');
  need((await site(stage)).includes('<h1>'), why('notTheSite'));
}

/** A container that goes on running, and may write where nginx reads. */
async function kept(stage: Stage): Promise<void> {
  const all = (await stage.project.containers()) as Mounted[];
  const nginx = all.find((each) => serviceOf(each) === 'nginx');
  const read = new Set(nginx?.Mounts.filter(({ RW, Name }) => !RW && Name !== undefined).map(({ Name }) => Name));
  const writers = all.filter((each) => each.Mounts.some(({ Name, RW }) => RW && read.has(Name)));
  need(writers.length > 0, why('noWriter'));
  const alive = writers.filter(({ State }) => State.Running).map(serviceOf);
  need(alive.length > 0, why('writerEnded', { writers: writers.map(serviceOf).join(', ') }));
}

/** Commits and pushes a page that says something; all are arguments, none is a part of the script. */
const PUSH = `set -e; cd "$(mktemp -d)"; git clone --quiet /srv/git/app.git .; echo "<h1>$1</h1>" > index.html
git add --all; git -c user.name=Check -c user.email=check@example.com commit --quiet --message "$1"
git push --quiet origin HEAD:main`;

async function follows(stage: Stage): Promise<void> {
  await running(stage, 'developer');
  const word = `Version ${randomBytes(4).toString('hex')}`;
  await stage.project.exec('developer', ['bash', '-c', PUSH, 'push', word]);
  await settled(why('served', { word }), async () => {
    // In between, too, there is always a whole version.
    const text = await site(stage);
    return text.includes(word);
  });
}

export default exercise({
  runs: true,
  checks: [
    { must: 'serve the site', look: serves },
    { must: 'have a second container that keeps the content', look: kept },
    { must: 'serve what is pushed', look: follows, trial: true },
  ],
});
