/** The source is away: applications run, pods restart, and catch up after. */
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { boardIni } from '../lib/documents.ts';
import { readiness } from '../lib/inside.ts';
import {
  BOARD,
  KIOSK,
  nextRelease,
  RATES,
  releaseOf,
  served,
  serverOf,
  WEB,
  type Must,
  type Pod,
} from '../lib/pods.ts';

const MINUTE = 60_000;
let since = 0;
let shown: readonly number[] = [];
const PODS = [BOARD, RATES, WEB];

/** The first half: it goes away. What stands between this and `serverIsBack` happens meanwhile. */
export function serverGoesAway(must: Must): void {
  must(
    'run on while the config server is down',
    { say: 'The config server is gone, for a minute. Everything runs on.' },
    async (stage) => {
      shown = await Promise.all(PODS.map((pod) => releaseOf(stage, pod)));
      await stage.project.stop('config-server');
      since = performance.now();
    },
  );

  must(
    'restart a pod while the config server is down',
    {
      say: 'The whole pod of the board is stopped and started: it comes up with the last good file.',
      needs: 'same-pod',
    },
    async (stage) => {
      await restartPod(stage, BOARD, 'board-pod', 'board-init');
      assert.equal(await Promise.all(PODS.map((pod) => releaseOf(stage, pod))), shown);
    },
  );
}

/** The second half. */
export function serverIsBack(must: Must): void {
  must(
    'catch up when the config server is back after a minute',
    { say: 'The config server is back, after a minute and more. What was changed since arrives.', within: 120_000 },
    async (stage) => {
      const left = MINUTE - (performance.now() - since);
      await steadily(
        async () => assert.equal(await Promise.all(PODS.map((pod) => releaseOf(stage, pod))), shown),
        Math.max(left, 1),
        1000,
      );
      for (const { sidecar } of PODS)
        assert.is.not(await readiness(stage.project, sidecar), true, `${sidecar} says that it verifies nothing`);
      const away = (performance.now() - since) / 1000;
      await stage.project.start('config-server');
      const server = await serverOf(stage);
      const release = nextRelease();
      await server.put(BOARD.key, boardIni({ release }));
      await served(stage, BOARD, release);
      for (const { sidecar } of PODS)
        await eventually(`${sidecar} is ready`, async () => (await readiness(stage.project, sidecar)) === true, {
          within: 60_000,
        });
      stage.say(`it was away for ${away.toFixed(0)} s`);
    },
  );
}

/** The same with etcd, for as long as it takes. */
export function etcdGoesAway(must: Must): void {
  must(
    'run on, and even restart a pod, while etcd is down, and catch up',
    { say: 'etcd goes away too, its pod restarts, and it catches up when etcd is back.', needs: 'same-pod' },
    async (stage) => {
      const before = await releaseOf(stage, KIOSK);
      await stage.project.stop('etcd');
      await restartPod(stage, KIOSK, 'kiosk-pod');
      assert.is(await releaseOf(stage, KIOSK), before);
      await stage.project.start('etcd');
      const release = nextRelease();
      const truth = await KIOSK.truth(stage);
      await truth.put(KIOSK.key, boardIni({ release }));
      await served(stage, KIOSK, release);
    },
  );
}

/** Stop a pod from the application inwards, and start it again from the pod outwards. */
async function restartPod({ project, ...stage }: Stage, pod: Pod, owner: string, init?: string): Promise<void> {
  const before = await releaseOf({ project, ...stage }, pod);
  for (const service of [pod.app, pod.sidecar, owner]) await project.stop(service);
  await project.start(owner);
  if (init !== undefined) {
    await project.rerun(init);
    assert.is((await project.inspect(init)).State.ExitCode, 0, `${init} found a file without its source`);
  }
  for (const service of [pod.sidecar, pod.app]) await project.start(service);
  await served({ project, ...stage }, pod, before);
}
