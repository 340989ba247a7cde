/** Too much data, a shop that is gone, a cache that is killed. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import { lasting } from '../../../scripts/lib/lasting.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { askedExactly, page, unique } from '../client.ts';

const LIMIT = 8 * 1024 * 1024;

export function faultObligations({ must }: Scenario): void {
  must(
    'stay within its memory with ten times the data, and with a page that varies without end',
    { say: 'Eighty megabytes through a store of eight, and a page that varies by everything.' },
    async (stage) => {
      const { project, say } = stage;
      const used = (): Promise<number> => metric(project, 'cache', 'cache_bytes{store="memory"}');
      for (let round = 0; round < 16; round++) {
        await Promise.all(Array.from({ length: 10 }, (_, index) => page(stage, `/bulk?${round}-${index}`)));
        assert.ok((await used()) <= LIMIT);
      }
      const varying = `/page?cc=max-age=600&vary=X-Any&id=${unique()}`;
      for (let round = 0; round < 5; round++)
        await Promise.all(
          Array.from({ length: 10 }, (_, index) => page(stage, varying, { headers: { 'X-Any': `${round} ${index}` } })),
        );
      const variants = await metric(project, 'cache', 'cache_evictions_total{reason="variants"}');
      assert.is(variants, 50 - 32, 'of fifty variants 32 are left');
      assert.ok((await used()) <= LIMIT);
      const resident = await metric(project, 'cache', 'process_resident_memory_bytes');
      say(`${Math.round(resident / 1e6)} MB resident`);
    },
  );

  must(
    'store nothing of a page whose script dies half-way',
    { say: 'The script of a page is killed half-way: what came of it is never shown again.' },
    async (stage) => {
      const path = `/page?cc=max-age=600&half=1&id=${unique()}`;
      for (let round = 1; round <= 2; round++) {
        const half = await page(stage, path).then(
          ({ status }) => status,
          () => 'broke off',
        );
        assert.is(half, 'broke off');
      }
      await askedExactly(stage.project, path, 2);
    },
  );

  must(
    'go on when the shop is killed, but for what must be asked about',
    {
      say: 'The shop is killed. Its pages go on; those that must be asked about are a 504.',
      within: 120_000,
    },
    async (stage) => {
      const { project, say } = stage;
      const of = (control: string): string => `/page?cc=${control.replaceAll(' ', '%20')}&id=${unique()}`;
      const going = [of('max-age=1'), of('max-age=1, stale-if-error=60'), of('max-age=600')];
      const strict = [of('max-age=1, must-revalidate'), of('max-age=1, no-cache'), of('s-maxage=1')];
      const before = new Map<string, string>();
      for (const path of [...going, ...strict]) before.set(path, (await page(stage, path)).text);
      await project.stop('shop');
      for (const path of strict) await eventually('it is a 504', async () => (await page(stage, path)).status === 504);
      for (const path of going) {
        const stale = await page(stage, path);
        assert.equal([stale.status, stale.text], [200, before.get(path)]);
        assert.match(stale.headers.age ?? '', /^\d+$/);
      }
      const stale = await eventually('one is stale by now', async () => {
        const answer = await page(stage, going[1]!);
        return Number(answer.headers.age) >= 2 && answer;
      });
      assert.is(stale.status, 200);
      say(`Age: ${stale.headers.age}, Cache-Status: ${stale.did}`);
      assert.is((await page(stage, of('max-age=600'))).status, 503, 'what was never asked for');

      // The cache is killed as well, while the shop is away: the disk has what it had.
      await project.crash('cache');
      await eventually('it answers again, from its disk', async () => {
        const { status, text } = await page(stage, going[2]!);
        return status === 200 && text === before.get(going[2]!);
      });
      await project.start('shop');
      await eventually('the shop is asked again', async () => (await page(stage, of('max-age=600'))).status === 200);
    },
  );

  must(
    'change nothing at a second `docker compose up`',
    { say: 'A second `up` changes nothing.' },
    async ({ project }) => {
      const before = await lasting(project);
      assert.is(before.length, 5);
      await project.up();
      assert.equal(await lasting(project), before);
    },
  );
}
