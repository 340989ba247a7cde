/** The main path once more, with a real etcd as the source. */
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import { boardIni, brokenIni } from '../lib/documents.ts';
import { adminPage } from '../../../scripts/lib/admin.ts';
import { fileIdentity, fileStatus } from '../lib/inside.ts';
import { boardLife, etcdOf, KIOSK, nextRelease, releaseOf, served, settled, type Must } from '../lib/pods.ts';

/** Two periods of polling. */
const LONG_ENOUGH = 4500;

export function etcd(must: Must): void {
  must(
    'bring a change of etcd to a daemon that reloads',
    { say: 'Meanwhile, the same board behind etcd. A change arrives.' },
    async (stage) => {
      const before = await boardLife(stage, KIOSK);
      const release = nextRelease();
      const version = await etcdOf(stage).put(KIOSK.key, boardIni({ release, notice: 'Gate 4 is closed.' }));
      const began = performance.now();
      await served(stage, KIOSK, release);
      const ms = performance.now() - began;
      assert.equal(await boardLife(stage, KIOSK), { ...before, reloads: before.reloads + 1 });
      assert.is((await settled(stage, KIOSK, version)).verified?.version, version);
      stage.say(`served ${ms.toFixed(0)} ms after etcd's answer`);
    },
  );

  must(
    'never let a document of etcd that fails validation touch the file',
    { say: 'A broken one does not.' },
    async (stage) => {
      const [file, release] = await Promise.all([
        fileIdentity(stage.project, KIOSK.app, KIOSK.path),
        releaseOf(stage, KIOSK),
      ]);
      const version = await etcdOf(stage).put(KIOSK.key, brokenIni(nextRelease()));
      const { refused } = await settled(stage, KIOSK, version);
      assert.is(refused?.state, 'rejected');
      assert.is(await fileIdentity(stage.project, KIOSK.app, KIOSK.path), file);
      assert.is(await releaseOf(stage, KIOSK), release);
      stage.say(refused?.reason ?? '');
    },
  );

  must(
    'roll back from a document of etcd that breaks the application, and leave it alone',
    { say: 'A document with which the board fails is rolled back and not tried again.' },
    async (stage) => {
      const release = await releaseOf(stage, KIOSK);
      const old = await stage.project.exec(KIOSK.app, ['cat', KIOSK.path]);
      const version = await etcdOf(stage).put(KIOSK.key, boardIni({ release: nextRelease(), workers: 0 }));
      const { refused } = await settled(stage, KIOSK, version);
      assert.is(refused?.state, 'rolled-back');
      await served(stage, KIOSK, release);
      assert.is(await stage.project.exec(KIOSK.app, ['cat', KIOSK.path]), old);
      const after = await boardLife(stage, KIOSK);
      await steadily(async () => assert.equal(await boardLife(stage, KIOSK), after), LONG_ENOUGH, 250);
      stage.say(refused?.reason ?? '');
    },
  );

  must(
    'resume after etcd has compacted what the watch would resume from',
    { say: 'etcd forgets its history while the sidecar is away; the sidecar reads anew.' },
    async (stage) => {
      const { project } = stage;
      await project.stop(KIOSK.sidecar);
      const store = etcdOf(stage);
      let release = 0;
      let revision = '';
      for (let round = 0; round < 5; round++) {
        release = nextRelease();
        revision = await store.put(KIOSK.key, boardIni({ release }));
      }
      await store.compact(revision);
      await project.start(KIOSK.sidecar);
      await served(stage, KIOSK, release);
      // A watch that is open is not cut by this; it resumes from a revision that is gone when etcd is back.
      await project.stop('etcd');
      await project.start('etcd');
      for (let round = 0; round < 3; round++) await store.put('another.key', String(round));
      await store.compact(await store.put('another.key', 'last'));
      release = nextRelease();
      await store.put(KIOSK.key, boardIni({ release }));
      await served(stage, KIOSK, release);
      await eventually('it watches', async () =>
        /^config_source_connected 1$/m.test((await adminPage(project, KIOSK.sidecar, '/metrics')).body),
      );
      assert.is((await fileStatus(project, KIOSK.sidecar, KIOSK.key)).problem, null);
    },
  );
}
