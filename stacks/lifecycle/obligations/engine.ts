/** The engine itself goes away: in an engine of the test's own, never in that of this machine. */
import * as assert from 'uvu/assert';
import { buildImages } from '../../../scripts/lib/images.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { InnerEngine } from '../lib/inner-engine.ts';
import { withVariant } from '../lib/variant.ts';

/** Milliseconds that the image of the inner engine may take to be built, the first time. */
const BUILDING = 180_000;
const WITHIN = BUILDING + 240_000;

export function engineObligations({ must }: Scenario): void {
  must(
    'come back whole, or as a whole by one command, when the engine is restarted',
    {
      say: 'A container engine of the test’s own, in a container. The same pod runs in it, and the engine is restarted, then killed.',
      within: WITHIN,
    },
    async ({ project, say, signal }) => {
      await withVariant({ of: project, name: 'engine', over: false }, async (outer) => {
        await buildImages(outer, undefined, { timeoutMs: BUILDING });
        await outer.up([], { timeoutMs: 60_000 });
        const inner = new InnerEngine(outer, signal);
        await inner.answers();
        await inner.bring(project);
        const first = await inner.look();
        assert.is(first.whole, true, `the pod is up: ${first.summary}`);

        await inner.end('TERM');
        const restarted = await inner.settled();
        assert.is(restarted.stranded, 0, 'no container is left in the old namespace');
        say(`engine restarted: ${restarted.summary} came back by themselves`);
        await (restarted.whole ? inner.served() : inner.heal());

        await inner.end('KILL');
        const killed = await inner.settled();
        assert.is(killed.stranded, 0, 'no container is left in the old namespace');
        say(`engine killed: ${killed.summary} came back by themselves`);
        await inner.heal();

        await inner.keepContainersAlive();
        for (const how of ['TERM', 'KILL'] as const) {
          const before = await inner.look();
          await inner.end(how);
          const after = await inner.look();
          assert.equal(after.lives, before.lives, `with live-restore, ${how} of the engine touches no container`);
        }
        say('with "live-restore": true, neither touches any container');
      });
    },
  );
}
