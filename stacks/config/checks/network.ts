/** A network that fails between a sidecar and the config server. */
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { boardIni, nginxConf } from '../lib/documents.ts';
import { fileIdentity, readiness } from '../lib/inside.ts';
import { together } from '../lib/together.ts';
import { BOARD, boardLife, nextRelease, releaseOf, served, serverOf, settled, WEB, type Must } from '../lib/pods.ts';

interface WireCounts {
  readonly open: number;
  readonly cut: number;
  readonly halved: number;
}

const wire = async ({ project }: Stage, word: string): Promise<WireCounts> =>
  JSON.parse(await project.exec('wire', ['wire', word])) as WireCounts;

/** Three periods of polling. */
const A_WHILE = 6000;

export function network(must: Must): void {
  must(
    'go on after its stream was cut',
    { say: 'The stream of changes is cut. The sidecar comes back where it was, and misses nothing.' },
    async (stage) => {
      const server = await serverOf(stage);
      const before = await boardLife(stage, BOARD);
      for (let round = 1; round <= 3; round++) {
        const { cut } = await wire(stage, 'cut');
        assert.ok(cut >= round, `${cut} connections were cut`);
        const release = nextRelease();
        await server.put(BOARD.key, boardIni({ release }));
        await served(stage, BOARD, release);
        await eventually('it watches again', async () => (await wire(stage, 'count')).open > 0);
      }
      assert.is(await readiness(stage.project, BOARD.sidecar), true);
      assert.is((await boardLife(stage, BOARD)).reloads, before.reloads + 3);
    },
  );

  must(
    'never take half a document',
    { say: 'Documents arrive by half: the connection breaks in the middle of each. Nothing of them reaches the file.' },
    async (stage) => {
      const { project } = stage;
      const server = await serverOf(stage);
      const [file, shown] = await Promise.all([fileIdentity(project, BOARD.app, BOARD.path), releaseOf(stage, BOARD)]);
      const { halved } = await wire(stage, 'halve');
      try {
        const release = nextRelease();
        const version = await server.put(BOARD.key, boardIni({ release, filler: 200 }));
        const tries = await eventually(
          'three were halved',
          async () => {
            const now = (await wire(stage, 'count')).halved - halved;
            return now >= 3 && now;
          },
          { within: 60_000 },
        );
        assert.is(await fileIdentity(project, BOARD.app, BOARD.path), file, 'the file was not touched');
        assert.is(await releaseOf(stage, BOARD), shown);
        await wire(stage, 'pass');
        await served(stage, BOARD, release);
        await settled(stage, BOARD, version);
        stage.say(`${tries} halves, then the whole`);
      } finally {
        await wire(stage, 'pass');
      }
    },
  );

  together(must, [UNREADY, PARTITION]);
}

/** Board's connections stay open, and nothing comes. */
const UNREADY = [
  'turn unready when nothing was verified for long, although its connection is open',
  {
    say: 'The network freezes: every connection stays open, and nothing comes. A watcher that waits for ever would look fine; this one turns unready, and recovers.',
  },
  async (stage: Stage): Promise<void> => {
    const { project } = stage;
    const server = await serverOf(stage);
    const shown = await releaseOf(stage, BOARD);
    assert.is(await readiness(project, BOARD.sidecar), true);
    await wire(stage, 'freeze');
    try {
      const release = nextRelease();
      await server.put(BOARD.key, boardIni({ release }));
      const reason = await eventually(
        '/readyz answers 503',
        async () => {
          const ready = await readiness(project, BOARD.sidecar);
          return ready !== true && ready;
        },
        { within: 60_000 },
      );
      // A request that got no answer in time is given up, so for a moment none may be open.
      await eventually('the sidecar has a connection open', async () => (await wire(stage, 'count')).open > 0);
      assert.is(await releaseOf(stage, BOARD), shown, 'the application goes on');
      stage.say(reason);
      await wire(stage, 'pass');
      await served(stage, BOARD, release);
      await eventually('/readyz answers 200', async () => (await readiness(project, BOARD.sidecar)) === true);
    } finally {
      await wire(stage, 'pass');
    }
  },
] as const satisfies Parameters<Must>;

/** Web loses its network. */
const PARTITION = [
  'sit out a network partition',
  {
    say: "nginx's pod loses its network to the server. nginx serves on; once the network is back, the change arrives.",
  },
  async (stage: Stage): Promise<void> => {
    const { project } = stage;
    const server = await serverOf(stage);
    const shown = await releaseOf(stage, WEB);
    await project.cut('web-pod', 'config');
    let connected = false;
    try {
      const release = nextRelease();
      await server.put(WEB.key, nginxConf({ release }));
      await steadily(async () => assert.is(await releaseOf(stage, WEB), shown), A_WHILE, 250);
      await eventually('/readyz answers 503', async () => (await readiness(project, WEB.sidecar)) !== true, {
        within: 60_000,
      });
      await project.heal('web-pod', 'config');
      connected = true;
      await served(stage, WEB, release);
      await eventually('/readyz answers 200', async () => (await readiness(project, WEB.sidecar)) === true);
    } finally {
      if (!connected) await project.heal('web-pod', 'config');
    }
  },
] as const satisfies Parameters<Must>;
