/** What is wrong does not arrive, or goes away again. */
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { boardIni, brokenIni, nginxConf, ratesYaml } from '../lib/documents.ts';
import { fileIdentity, fileStatus } from '../lib/inside.ts';
import {
  BOARD,
  boardLife,
  nextRelease,
  RATES,
  releaseOf,
  served,
  serverOf,
  settled,
  WEB,
  type Must,
  type Pod,
} from '../lib/pods.ts';
import type { Report } from '../../../scripts/lib/config-server.ts';

/** Two periods of polling: what is to be tried again has been by then. */
const LONG_ENOUGH = 4500;

export function refusals(must: Must): void {
  must(
    'never let a document that fails validation touch the file',
    {
      say: 'Documents with mistakes: a broken section, an unknown setting, an nginx that would not start. None reaches a file; the server shows which sidecar refused it and why.',
    },
    async (stage) => {
      const { project } = stage;
      const server = await serverOf(stage);
      const wrong: [Pod, string, RegExp][] = [
        [BOARD, brokenIni(nextRelease()), /INI|section|line 1/i],
        [RATES, `${ratesYaml(nextRelease())}commission: 1\n`, /commission|additional/i],
        [WEB, nginxConf({ release: nextRelease() }).replace('listen', 'lisen'), /nginx|lisen/],
      ];
      for (const [pod, content, why] of wrong) {
        const [before, release, restarts] = await Promise.all([
          fileIdentity(project, pod.app, pod.path),
          releaseOf(stage, pod),
          project.inspect(pod.app).then(({ RestartCount }) => RestartCount),
        ]);
        const version = await server.put(pod.key, content);
        const report = await reported(server, pod, version);
        assert.is(report.state, 'rejected');
        assert.match(report.reason ?? '', why);
        assert.is(await fileIdentity(project, pod.app, pod.path), before, `${pod.path} was not touched`);
        assert.is(await releaseOf(stage, pod), release);
        assert.is((await project.inspect(pod.app)).RestartCount, restarts, `${pod.app} was not restarted`);
        stage.say(`${pod.key}: ${report.reason}`);
      }
    },
  );

  must(
    'go back by itself from a document that the application chokes on',
    {
      say: 'Worse: valid documents with which the programs fail: a board without workers, an unknown currency, an nginx on the wrong port. Each is rolled back automatically.',
      within: 240_000,
    },
    async (stage) => {
      const server = await serverOf(stage);
      const bad: [Pod, string][] = [
        [BOARD, boardIni({ release: nextRelease(), workers: 0 })],
        [RATES, ratesYaml(nextRelease(), 'XXX')],
        [WEB, nginxConf({ release: nextRelease(), port: 8081 })],
      ];
      await Promise.all(
        bad.map(async ([pod, content]) => {
          const release = await releaseOf(stage, pod);
          const file = await stage.project.exec(pod.app, ['cat', pod.path]);
          const version = await server.put(pod.key, content);
          const report = await reported(server, pod, version);
          assert.is(report.state, 'rolled-back', `${pod.app}: ${report.reason}`);
          assert.ok(report.reason, 'the server shows why');
          await served(stage, pod, release);
          await eventually(
            'the file is the old one',
            async () => (await stage.project.exec(pod.app, ['cat', pod.path])) === file,
          );
          stage.say(`${pod.key}: ${report.reason}`);
        }),
      );
    },
  );

  must(
    'not try a refused document again until it changes',
    {
      say: 'A document that was refused is left alone until it changes, also by a sidecar that was killed and came back.',
    },
    async (stage) => {
      const { project } = stage;
      const before = await boardLife(stage, BOARD);
      const status = await fileStatus(project, BOARD.sidecar, BOARD.key);
      assert.is(status.source?.version, status.refused?.version, 'the server still has the refused one');
      const leftAlone = async (): Promise<void> => assert.equal(await boardLife(stage, BOARD), before);
      await steadily(leftAlone, LONG_ENOUGH, 250);
      await project.kill(BOARD.sidecar);
      await project.launch(BOARD.sidecar);
      await eventually('it has read the document again', async () => {
        const { source } = await fileStatus(project, BOARD.sidecar, BOARD.key);
        return source?.version === status.refused?.version;
      });
      await steadily(leftAlone, LONG_ENOUGH / 2, 250);
    },
  );

  must(
    'restore an old version by a rollback through the API',
    { say: 'The operator rolls the documents back to their first version; the applications follow.' },
    async (stage) => {
      const server = await serverOf(stage);
      for (const pod of [BOARD, WEB, RATES]) {
        if (pod === RATES) await calm(stage, pod.app);
        const version = await server.rollback(pod.key, '1');
        await served(stage, pod, 1);
        const { verified } = await settled(stage, pod, version);
        assert.is(verified?.version, version);
        assert.is(await server.get(pod.key), await (await server.ask(`/v1/documents/${pod.key}/versions/1`)).text());
      }
    },
  );
}

/** The engine waits twice as long before each restart of a container that did not run for 10 s. */
const CALM = 10_500;

/** Wait until an application that was restarted often is restarted at once again. */
const calm = ({ project }: Stage, app: string): Promise<unknown> =>
  eventually(
    `${app} has run for a while`,
    async () => Date.now() - Date.parse((await project.inspect(app)).State.StartedAt) > CALM,
    { within: 40_000, every: 250 },
  );

type Server = Awaited<ReturnType<typeof serverOf>>;

const reported = (server: Server, { key, app }: Pod, version: string): Promise<Report> =>
  eventually(`${app} has reported`, () => server.report(key, version, app), { within: 90_000 });
