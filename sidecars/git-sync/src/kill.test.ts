/** Killed at any moment, the link leads to a whole version that passed its gate. */
import { existsSync, readFileSync, realpathSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

const KILLS = 20;
const FILES = 30;

/** What is wrong with a version: its files are of one commit, all there, and its gate finished and said yes. */
function wrongWith(directory: string, bad: ReadonlySet<string>): string | undefined {
  const hash = basename(directory);
  if (bad.has(hash)) return `${hash} was not to pass`;
  const gated = join(directory, 'gated');
  if (!existsSync(gated) || readFileSync(gated, 'utf8') !== `${hash}\n`) return 'its gate had not ended';
  const contents = new Set(
    Array.from({ length: FILES }, (_, index) => readFileSync(join(directory, `d${index % 3}/f${index}`), 'utf8')),
  );
  return contents.size === 1 ? undefined : `a mixture of ${[...contents].join(' and ')}`;
}

test(`killed ${KILLS} times during pushes, good and bad, nothing else is ever live`, async () => {
  const repository = new TestRepository();
  const content = (text: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: FILES }, (_, index) => [`d${index % 3}/f${index}`, text]));
  const bad = new Set<string>();
  let good = repository.commit({
    ...content('0'),
    '.gitignore': 'gated\n',
    gate: { executable: '#!/bin/sh\ntest ! -e bad || exit 1\nsleep 0.1\necho "$GITSYNC_HASH" > gated\n' },
  });
  const root = join(temporaryDirectory('git-sync-kill'), 'git');
  const env = {
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    GITSYNC_PERIOD: '20ms',
    GITSYNC_STALE_WORKTREE_TIMEOUT: '50ms',
  };
  const begun = performance.now();
  let sidecar = await TestSidecar.start(env, root);
  await sidecar.lives(good);
  // From the start of a process to a publication: start, fetch, checkout, gate and publication all take their turn.
  const life = performance.now() - begun;

  const link = join(root, 'link');
  const look = (when: string): void => {
    const wrong = wrongWith(realpathSync(link), bad);
    assert.is(wrong, undefined, `${when}: ${readlinkSync(link)}: ${wrong}\n${sidecar.output}`);
  };
  for (let round = 1; round <= KILLS; round++) {
    const isBad = round % 4 === 0;
    const hash = repository.commit({ ...content(String(round)), bad: isBad ? 'bad' : null });
    if (isBad) bad.add(hash);
    else good = hash;
    sidecar.child.kill('SIGHUP');
    await sleep(Math.random() * life * 1.2);
    await sidecar.stop('SIGKILL');
    look(`after kill ${round}`);
    sidecar = sidecar.again();
    if (round % 2 === 0) {
      const at = isBad ? hash : good;
      await sidecar.reports(`commit ${round} is judged`, ({ hash: live, refused }) =>
        isBad ? refused?.hash === at : live === at,
      );
      look(`in round ${round}`);
    }
  }
  good = repository.commit({ ...content('end'), bad: null });
  await sidecar.lives(good);
  look('at the end');
  await sidecar.stop();
});

test.run();
