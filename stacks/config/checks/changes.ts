/** A change arrives, at each application in the way that it knows. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { boardIni, nginxConf, ratesYaml } from '../lib/documents.ts';
import { netNamespace } from '../../../scripts/lib/admin.ts';
import { lasting } from '../../../scripts/lib/lasting.ts';
import {
  BOARD,
  boardLife,
  countReleases,
  KIOSK,
  nextRelease,
  pageOf,
  RATES,
  releaseOf,
  served,
  serverOf,
  WEB,
  type Must,
} from '../lib/pods.ts';

export function changes(must: Must): void {
  must(
    'start no application without its first file',
    {
      say: 'Three programs that only read a file: a Python daemon, a Ruby program, an unmodified nginx. The sidecars put the files there before they started.',
      needs: 'start-order',
    },
    async (stage) => {
      const { project } = stage;
      const init = await project.inspect('board-init');
      assert.is(init.State.ExitCode, 0, 'the init container');
      for (const pod of [BOARD, RATES, WEB, KIOSK]) {
        const [app, sidecar] = await Promise.all([project.inspect(pod.app), project.inspect(pod.sidecar)]);
        assert.ok(sidecar.State.StartedAt < app.State.StartedAt, `${pod.sidecar} started before ${pod.app}`);
        assert.is(app.RestartCount, 0, `${pod.app} never had to start again`);
        const truth = await pod.truth(stage);
        assert.is(await project.exec(pod.app, ['cat', pod.path]), (await truth.get(pod.key)).replace(/\n$/, ''));
        await eventually(`${pod.app} answers`, () => releaseOf(stage, pod));
      }
    },
  );

  must(
    'bring a change to a daemon that reloads',
    {
      say: 'An operator changes the board. The sidecar checks the file, replaces it in one step, sends SIGHUP, and looks whether the board shows it.',
    },
    async (stage) => {
      await countReleases(stage);
      const server = await serverOf(stage);
      const before = await boardLife(stage, BOARD);
      const release = nextRelease();
      const version = await server.put(BOARD.key, boardIni({ release, notice: 'The lift is out of order.' }));
      const began = performance.now();
      await served(stage, BOARD, release);
      const ms = performance.now() - began;
      assert.match(await pageOf(stage, BOARD), /The lift is out of order\./);
      assert.equal(
        await boardLife(stage, BOARD),
        { ...before, reloads: before.reloads + 1 },
        'same process, one SIGHUP',
      );
      await eventually('the server knows', async () => {
        const report = await server.report(BOARD.key, version, 'board');
        return report?.state === 'applied';
      });
      stage.say(`served ${ms.toFixed(0)} ms after the server's answer; the server shows: applied by board`);
    },
  );

  must(
    'bring changes of two documents to nginx, each to its file',
    { say: 'The same for nginx: its own -t checks the configuration, and its page is a document too.' },
    async (stage) => {
      const server = await serverOf(stage);
      const master = (): Promise<string> => stage.project.exec('web', ['cat', '/tmp/nginx.pid']);
      const before = await master();
      const release = nextRelease();
      await server.put(WEB.key, nginxConf({ release }));
      await server.put('index.html', `<p>Platform ${release} is closed.</p><!-- text ${release} -->\n`);
      await served(stage, WEB, release);
      await eventually('the page is new', async () =>
        (await pageOf(stage, WEB, '/')).includes(`Platform ${release} is closed.`),
      );
      assert.is(await master(), before, 'the same nginx');
    },
  );

  must(
    'restart a program alone that only reads at start',
    {
      say: 'The Ruby program only reads at start. The sidecar ends it, the engine starts it again with the new file; nothing else in the pod restarts.',
    },
    async (stage) => {
      const { project } = stage;
      const server = await serverOf(stage);
      const look = async (): Promise<unknown> => ({
        others: await lasting(project, 'rates'),
        app: await netNamespace(project, 'rates'),
        sidecar: await netNamespace(project, 'rates-config'),
      });
      const [before, { RestartCount }] = await Promise.all([look(), project.inspect('rates')]);
      const release = nextRelease();
      const version = await server.put(RATES.key, ratesYaml(release));
      await served(stage, RATES, release);
      assert.is((await project.inspect('rates')).RestartCount, RestartCount + 1, 'restarts of the application');
      assert.equal(await look(), before, 'start times of all others, network namespaces of the pod');
      await eventually('the server knows', async () => {
        const report = await server.report(RATES.key, version, 'rates');
        return report?.state === 'applied';
      });
    },
  );
}
