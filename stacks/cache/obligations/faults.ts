/** Too much data, a shop that is gone, a cache that is killed. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import { lasting } from '../../../scripts/lib/lasting.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { askedExactly, note, page, unique } from '../lib/client.ts';

const LIMIT = 8 * 1024 * 1024;

/** A page from the cache whose disk is small, asked from inside the pod. */
const GET = String.raw`exec 3<>/dev/tcp/127.0.0.1/8071
printf 'GET %s HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n' "$1" >&3
cat <&3`;

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
    'pass on what it has no room for when the disk is full, and store again when there is room',
    {
      say: 'A disk of one megabyte, full to the last byte. Pages come as ever; with room again they are written again.',
    },
    async ({ project, say }) => {
      const onDisk = (): Promise<number> => metric(project, 'cramped', 'cache_bytes{store="disk"}');
      const get = (path: string): Promise<string> => project.exec('cramped', ['bash', '-c', GET, 'get', path]);
      await project.exec('cramped', ['bash', '-c', 'cat /dev/zero > /var/cache/sidecar/ballast 2> /dev/null; true']);
      const path = `/page?cc=max-age=600&id=${unique()}`;
      assert.match(await get(path), /^HTTP\/1\.1 200 [^]*first line, process/);
      const warned = await eventually(
        'it says so',
        async () => /^.*the disk store cannot write.*$/m.exec(await project.logs(await project.id('cramped')))?.[0],
      );
      assert.match(warned, 'ENOSPC');
      assert.is(await onDisk(), 0);
      assert.match(await get(path), /\r\nCache-Status: sidecar-cache; hit/i, 'memory goes on');
      await project.exec('cramped', ['rm', '/var/cache/sidecar/ballast']);
      await eventually(
        'it writes again',
        async () => {
          assert.match(await get(`/page?cc=max-age=600&id=${unique()}`), /^HTTP\/1\.1 200 /);
          return (await onDisk()) > 0;
        },
        { within: 60_000, every: 1000 },
      );
      say(`${await onDisk()} bytes on the disk again`);
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
    'answer with stale pages while the shop hangs: paused, slow, half-way; GET, HEAD, ranges',
    {
      say: 'The shop is paused, or slow, or stops in the middle of a page. Its pages go on, after a second at most.',
      within: 240_000,
    },
    async (stage) => {
      const { project, say } = stage;
      const path = `/page?cc=max-age=1&id=${unique()}`;
      const name = unique();
      const hangs: Record<string, { path: string; begin: () => Promise<unknown>; end: () => Promise<unknown> }> = {
        // Its script takes longer than a stale page is waited for.
        slow: { path: `${path}&wait=5`, begin: async () => {}, end: async () => {} },
        // Its script begins a page, and ends it when there is a note.
        'half-way': {
          path: `${path}&until=${name}`,
          begin: () => project.exec('shop', ['rm', `/var/log/shop/note-${name}`]),
          end: () => note(project, name),
        },
        // It takes connections, and says nothing.
        paused: {
          path,
          begin: () => project.pause('shop'),
          end: () => project.unpause('shop'),
        },
      };
      await note(project, name);
      const requests = [
        { method: 'GET', headers: {}, status: 200, part: (text: string) => text },
        { method: 'HEAD', headers: {}, status: 200, part: () => '' },
        { method: 'GET', headers: { Range: 'bytes=0-4' }, status: 206, part: (text: string) => text.slice(0, 5) },
      ] as const;
      for (const [kind, hang] of Object.entries(hangs)) {
        // A page for each, since one that has failed is not asked for again at once.
        const pages = await Promise.all(
          requests.map(async (each, index) => {
            const own = `${hang.path}&n=${index}`;
            return { ...each, own, text: (await page(stage, own)).text };
          }),
        );
        await hang.begin();
        try {
          for (const { method, headers, status, part, own, text } of pages) {
            const stale = await eventually(`${kind}: a stale page`, async () => {
              const answer = await page(stage, own, { method, headers });
              // The head of a page that stops half-way comes in time.
              const isEnough = kind === 'half-way' && method === 'HEAD' && answer.did.startsWith('fwd=stale');
              return (isEnough || /detail=stale-(?:after|if-error)/.test(answer.did)) && answer;
            });
            assert.equal([kind, method, stale.status, stale.text], [kind, method, status, part(text)]);
            say(`${kind}, ${method}: ${stale.did}`);
          }
        } finally {
          await hang.end();
        }
      }
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
      try {
        for (const path of strict)
          await eventually('it is a 504', async () => (await page(stage, path)).status === 504);
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
      } finally {
        await project.start('shop');
      }
      await eventually('the shop is asked again', async () => (await page(stage, of('max-age=600'))).status === 200);
    },
  );

  must(
    'change nothing at a second `docker compose up`',
    { say: 'A second `up` changes nothing.', needs: 'compose' },
    async ({ project }) => {
      const before = await lasting(project);
      assert.is(before.length, 6);
      await project.up();
      assert.equal(await lasting(project), before);
    },
  );
}
