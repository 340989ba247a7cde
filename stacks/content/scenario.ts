/** What the content stack must do: a site that changes under its readers, and never shows them two versions. */
import * as assert from 'uvu/assert';
import { EngineError } from '../../scripts/lib/engine.ts';
import { lasting } from '../../scripts/lib/lasting.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { scenario, type Stage } from '../../scripts/scenario/scenario.ts';
import { Developer } from '../../scripts/lib/developer.ts';
import { fetchFile, startReaders } from './reader.ts';
import { asset, called, FILES, site } from './site.ts';

const { must, run } = scenario(import.meta.url);

const READERS = 4;
/** How many versions are published while readers read. */
const CHANGES = 4;
const LIVE = 60_000;
/** ssh as the sidecar would use it. */
const SSH =
  'ssh -i /secrets/deploy/id_ed25519 -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/secrets/deploy/known_hosts';
const SSH_REMOTE = 'ssh://git@git-server:2222/app.git';

let developer: Developer;
let number = 1;

/** The commit that a reader is sent to. */
async function liveCommit({ port }: Pick<Stage, 'port'>): Promise<string | undefined> {
  const { location = '' } = await fetchFile(port('SITE'), '/');
  return /^\/([0-9a-f]{40})\/$/.exec(location)?.[1];
}

/** Wait until readers are sent to a commit; resolves with the milliseconds that it took. */
async function live(stage: Pick<Stage, 'port'>, hash: string): Promise<number> {
  const begin = performance.now();
  await eventually('the commit is live', async () => (await liveCommit(stage)) === hash, { within: LIVE, every: 20 });
  return Math.round(performance.now() - begin);
}

must(
  'serve nothing before there is a site',
  { say: 'A git server with an empty repository, and nginx as Debian packages it. There is nothing to serve yet.' },
  async ({ port }) => {
    const { status, location } = await fetchFile(port('SITE'), '/');
    assert.equal([status, location], [503, undefined], 'status and Location of /');
  },
);

must('serve what is pushed', { say: `Somebody pushes a site of ${FILES} files.`, within: 120_000 }, async (stage) => {
  const { project, port, say } = stage;
  developer = new Developer(project);
  await developer.clone();
  const hash = await developer.publish(site(number));
  const ms = await live(stage, hash);
  const found = await project.exec('nginx', ['bash', '-c', 'find -L /git/current -type f -not -name .git | wc -l']);
  assert.is(Number(found), FILES);
  const page = await fetchFile(port('SITE'), `/${hash}/`);
  assert.is(page.status, 200);
  assert.match(page.body, called(number));
  say(`${FILES} files live ${ms} ms after the push was accepted`);
});

must(
  'show nothing of what belongs to git',
  { say: 'Readers get the files that were pushed, and nothing of what belongs to git.' },
  async (stage) => {
    const hash = await liveCommit(stage);
    for (const path of ['/.git', `/${hash}/.git`, '/.git/config', `/${hash}/../.git`])
      assert.is((await fetchFile(stage.port('SITE'), path)).status, 404, path);
  },
);

must(
  'send no reader of a page to two versions, and miss no file that both have',
  {
    say: `${READERS} readers fetch page after page, each with its ${site(1)['index.html']!.split('href=').length - 1} assets, while ${CHANGES} versions are published in which every file changes.`,
    within: 150_000,
  },
  async (stage) => {
    const { project, port, say } = stage;
    const nginx = async (): Promise<string> => {
      const { Id, State, RestartCount } = await project.inspect('nginx');
      return `${Id} ${State.StartedAt} ${RestartCount}`;
    };
    const before = await nginx();
    const first = number;
    const readers = startReaders(port('SITE'), READERS);
    const times: number[] = [];
    for (let change = 0; change < CHANGES; change++) {
      number += 1;
      const hash = await developer.publish(site(number));
      times.push(await live(stage, hash));
      await eventually('readers read it', () => readers.pages(called(number)) > READERS, { within: 30_000 });
    }
    const { pages, versions, mixed, files, failed } = await readers.stop();
    assert.equal(mixed, [], 'pages with parts of two versions');
    assert.equal(failed, [], 'files that were not there, or not whole');
    const expected = Array.from({ length: CHANGES + 1 }, (_, index) => called(first + index));
    assert.equal([...versions.keys()].toSorted(), expected.toSorted(), 'each version was read');
    assert.is(await nginx(), before, 'id, start and restarts of nginx');
    say(
      `${pages} pages with all their assets and ${files} single files, none mixed, none missing; versions live after ${times.join(', ')} ms`,
    );
  },
);

must(
  'keep the version before for those who still read it',
  { say: 'A reader who opened a page before a change still gets its assets after it. One file changes this time.' },
  async (stage) => {
    const { port, say } = stage;
    const old = (await liveCommit(stage))!;
    const files = site(number);
    const hash = await developer.publish({
      ...files,
      'index.html': files['index.html']!.replace('A site', 'This site'),
    });
    const ms = await live(stage, hash);
    const { status, body } = await fetchFile(port('SITE'), `/${old}/${asset(1)}`);
    assert.is(status, 200);
    assert.match(body, called(number));
    say(`a change of one file of ${FILES} was live after ${ms} ms`);
  },
);

must(
  'let the sidecar read and not write',
  { say: 'The key that the sidecar has lets it read this repository, and nothing else.', needs: 'compose' },
  async ({ project }) => {
    const before = await developer.git(['ls-remote', 'origin']);
    const flags = ['--rm', '-T', '--no-deps', '-e', `GIT_SSH_COMMAND=${SSH}`];
    const key = ['-v', `${project.name}_git-deploy-secrets:/secrets/deploy:ro`];
    const withKey = (script: string): Promise<string> =>
      project.compose(['run', ...flags, ...key, 'developer', 'bash', '-c', `set -e; ${script}`], { timeoutMs: 60_000 });
    assert.is((await withKey(`git ls-remote ${SSH_REMOTE}`)).trimEnd(), before, 'the key lets it read');
    const outcome = await withKey(
      `git init -q try; cd try; git commit -q --allow-empty -m no; git push -q ${SSH_REMOTE} HEAD:refs/heads/other`,
    ).catch((error: unknown) => error);
    assert.instance(outcome, EngineError, 'a push by the key fails');
    assert.is(await developer.git(['ls-remote', 'origin']), before, 'the repository is as it was');
  },
);

must(
  'serve on while the sidecar is down, and catch up when it is back',
  { say: 'The sidecar is stopped, and somebody pushes. Readers notice nothing; when it is back it catches up.' },
  async (stage) => {
    const { project, port } = stage;
    let hash: string;
    await project.stop('git-sync');
    try {
      const before = await liveCommit(stage);
      number += 1;
      hash = await developer.publish(site(number));
      assert.is(await liveCommit(stage), before);
      assert.is((await fetchFile(port('SITE'), `/${asset(1)}`)).status, 200);
    } finally {
      await project.start('git-sync');
    }
    await live(stage, hash);
  },
);

must(
  'change nothing at a second `docker compose up`',
  { say: 'Bringing the stack up a second time changes nothing.', needs: 'compose' },
  async (stage) => {
    const { project } = stage;
    const hash = await liveCommit(stage);
    const before = await lasting(project);
    assert.is(before.length, 7);
    await project.up();
    assert.equal(await lasting(project), before);
    assert.is(await liveCommit(stage), hash);
  },
);

run();
