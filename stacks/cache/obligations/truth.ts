/** What is stored is true: purges, unsafe methods, parts, HEAD, 304. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { adminPage } from '../../../scripts/lib/admin.ts';
import { askedExactly, page, purge, unique } from '../lib/client.ts';

export function truthObligations({ must }: Scenario): void {
  must(
    'forget what is purged, and let nobody else purge',
    { say: 'A purge by tag, softly and for good; one from a neighbour is refused.' },
    async (stage) => {
      const { project, say } = stage;
      const tag = unique();
      const paths = Array.from({ length: 20 }, (_, index) => `/page?cc=max-age=600&tag=${tag}&n=${index}`);
      await Promise.all(paths.map((path) => page(stage, path)));
      const { body } = await adminPage(project, 'cache', '/objects');
      assert.match(body, tag);
      const refused = await purge(project, { tag }, 'neighbour', 'pod');
      assert.is(refused.status, 403);
      assert.match((await page(stage, paths[0]!)).did, /^hit/);
      const soft = await purge(project, { tag, soft: true });
      assert.equal([soft.status, JSON.parse(soft.body)], [200, { purged: 20 }]);
      assert.match((await page(stage, paths[0]!)).did, /^fwd=stale; stored/);
      assert.match((await purge(project, { tag })).body, '"purged":20');
      assert.match((await page(stage, paths[0]!)).did, /^fwd=uri-miss/);
      say(`a neighbour's purge: ${refused.status}; ours: ${soft.body.trim()}`);
    },
  );

  must(
    'forget a page that was written to by POST, PUT or DELETE',
    { say: 'Who writes to a page makes what is stored of it untrue.' },
    async (stage) => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const path = `/page?cc=max-age=600&id=${unique()}`;
        await page(stage, path);
        assert.match((await page(stage, path)).did, /^hit/);
        assert.is((await page(stage, path, { method, headers: { 'Content-Length': '1' }, body: 'x' })).status, 200);
        assert.match(`${method}: ${(await page(stage, path)).did}`, /: fwd=uri-miss/);
      }
    },
  );

  must(
    'cut parts from the whole, answer HEAD, and renew by a 304',
    { say: 'Parts, HEAD and conditions are answered from the store; a 304 makes a stale page fresh.' },
    async (stage) => {
      const path = `/page?cc=max-age=600&id=${unique()}`;
      const { text } = await page(stage, path);
      const part = await page(stage, path, { headers: { Range: 'bytes=0-4' } });
      assert.equal([part.status, part.text, part.headers['content-range']], [206, 'first', `bytes 0-4/${text.length}`]);
      const beyond = await page(stage, path, { headers: { Range: 'bytes=100000-' } });
      assert.is(beyond.status, 416);
      const head = await page(stage, path, { method: 'HEAD' });
      assert.equal([head.status, head.text, head.headers['content-length']], [200, '', String(text.length)]);
      // Whose answer it was, where the shop was asked more than once.
      assert.equal(
        [part, beyond, head].map(({ did }) => did.split(';', 1)[0]),
        ['hit', 'hit', 'hit'],
      );
      await askedExactly(stage.project, path, 1);

      const renewed = `/page?cc=max-age=1&etag=v1&id=${unique()}`;
      const first = await page(stage, renewed);
      let again = await page(stage, renewed);
      while (again.did.startsWith('hit')) again = await page(stage, renewed);
      assert.match(again.did, /^fwd=stale; fwd-status=304; /);
      assert.is(again.text, first.text);
    },
  );
}
