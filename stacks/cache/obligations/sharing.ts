/** One request for many, and nobody waits where that cannot be. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { asked, askedExactly, atWork, note, page, unique } from '../lib/client.ts';

const CLIENTS = 100;

export function sharingObligations({ must }: Scenario): void {
  must(
    'give the second reader a hit, and ask the shop once',
    { say: 'A shop of CGI scripts, behind TLS and a cache. The second reader of a page is answered from the store.' },
    async (stage) => {
      const path = `/page?cc=max-age=600&id=${unique()}`;
      const first = await page(stage, path);
      assert.match(first.did, /^fwd=uri-miss; stored/);
      const second = await page(stage, path);
      assert.match(second.did, /^hit; ttl=\d+$/);
      assert.is(second.text, first.text);
      assert.match(second.headers.age ?? '', /^\d+$/);
      await askedExactly(stage.project, path, 1);
      stage.say(`Cache-Status: ${second.did}`);
    },
  );

  must(
    'ask once for a hundred clients of a cold page, and give the first byte to all as it comes',
    { say: `${CLIENTS} clients want a page that takes two seconds and is not stored yet. The shop runs one script.` },
    async (stage) => {
      const path = `/page?cc=max-age=600&wait=2&drip=1&id=${unique()}`;
      const pages = await Promise.all(Array.from({ length: CLIENTS }, () => page(stage, path)));
      assert.is(new Set(pages.map(({ text }) => text)).size, 1);
      assert.match(pages[0]!.text, /^first line, process \d+\nGET for /);
      await askedExactly(stage.project, path, 1);
      const collapsed = pages.filter(({ did }) => did.includes('collapsed')).length;
      // Who comes when the head is there already shares the same body; who comes after the end has a hit.
      assert.ok(collapsed > 0, `${collapsed} collapsed`);
      stage.say(`${collapsed} shared the answer to another's request`);
    },
  );

  must(
    'never make clients of a page that is not stored wait for each other',
    { say: 'Twenty clients of a page that is not stored, each its own script, side by side.' },
    async (stage) => {
      const path = `/page?cc=no-store&wait=5&id=${unique()}`;
      await page(stage, path);
      const asking = Promise.all(Array.from({ length: 20 }, () => page(stage, path)));
      // Scripts that wait for the warehouse at the same time: one after another there would never be two.
      const most = await eventually('scripts run side by side', async () => {
        const waiting = await stage.project.exec('shop', ['sh', '-c', 'cat /proc/[0-9]*/comm | grep -c sleep || true']);
        return Number(waiting) >= 5 && Number(waiting);
      });
      const pages = await asking;
      assert.is(new Set(pages.map(({ text }) => text)).size, 20, 'each has its own answer');
      for (const { did } of pages) assert.is(did, 'fwd=uri-miss; detail=not-stored-before');
      await askedExactly(stage.project, path, 21);
      stage.say(`${most} scripts at once`);
    },
  );

  must(
    'answer at once while a page is asked about, and ask once',
    { say: 'stale-while-revalidate: the old page at once, the new one a moment later.' },
    async (stage) => {
      const { project } = stage;
      const name = unique();
      const path = `/page?cc=max-age=1,%20stale-while-revalidate=600&until=${name}`;
      await note(project, name);
      const first = await page(stage, path);
      await project.exec('shop', ['rm', `/var/log/shop/note-${name}`]);
      // From now on the shop does not finish the page, and its readers do not wait for it.
      let stale = 0;
      while (stale < 20) {
        const { text, did } = await page(stage, path);
        assert.is(text, first.text);
        if (did.includes('stale-while-revalidate')) stale++;
      }
      assert.is(await atWork(project, name), 1, 'one request renews it');
      await note(project, name);
      await eventually('the new page is there', async () => (await page(stage, path)).text !== first.text);
      await eventually('its log says so', async () => (await asked(project, path)) >= 2);
    },
  );
}
