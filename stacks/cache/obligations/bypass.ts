/** What is no matter of a cache goes through it as it comes. */
import { once } from 'node:events';
import { request as ask } from 'node:https';
import { WebSocket } from 'ws';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { askedExactly, authorityOf, note, openPage, page, unique, type OpenPage } from '../lib/client.ts';

const CLIENTS = 20;

/** A page whose second half waits for the note of its name, shared by many that have its first half already. */
async function shared(stage: Stage): Promise<{ path: string; name: string; readers: OpenPage[] }> {
  const name = unique();
  const path = `/page?cc=max-age=600&until=${name}`;
  const first = await openPage(stage, path);
  await first.begun;
  const others = await Promise.all(Array.from({ length: CLIENTS - 1 }, () => openPage(stage, path)));
  return { path, name, readers: [first, ...others] };
}

export function bypassObligations({ must }: Scenario): void {
  must(
    'give the first byte to all while the page is being made; go on when one client leaves',
    {
      say: `${CLIENTS} clients have the first half of a page that is not finished. The one who asked first leaves; the others get the rest.`,
      within: 120_000,
    },
    async (stage) => {
      const { path, name, readers } = await shared(stage);
      try {
        await Promise.all(readers.map(({ begun }) => begun));
        assert.equal(new Set(readers.map(({ over }) => over)), new Set([false]), 'nobody has the end yet');
        readers[0]!.leave();
      } finally {
        await note(stage.project, name);
      }
      const texts = await Promise.all(readers.slice(1).map(({ whole }) => whole));
      assert.is(new Set(texts).size, 1);
      assert.match(texts[0]!, /^first line, process \d+\nGET for nobody/);
      await askedExactly(stage.project, path, 1);
      assert.match((await page(stage, path)).did, /^hit/, 'and it is stored');
    },
  );

  must(
    'pass on what is said before a page, and hits without it',
    { say: '103 Early Hints: a page says what it needs before it is there.' },
    async (stage) => {
      const path = `/page?cc=max-age=600&hint=1&wait=1&id=${unique()}`;
      assert.equal(await hints(stage, path), ['</shop.css>; rel=preload; as=style']);
      assert.equal(await hints(stage, path), []);
      await askedExactly(stage.project, path, 1);
    },
  );

  must(
    'let WebSockets through, in both directions',
    { say: 'The shop’s news over WebSocket: a word of the shop, one of the client, and a word for it.' },
    async (stage) => {
      const socket = new WebSocket(`wss://localhost:${stage.port('SHOP')}/live`, {
        ca: await authorityOf(stage.project),
      });
      const heard: string[] = [];
      socket.on('message', (data) => heard.push((data as Buffer).toString()));
      const failed = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
      failed.catch(() => undefined);
      const closed = once(socket, 'close');
      try {
        await Promise.race([once(socket, 'open'), failed]);
        await eventually('the shop greets', () => heard.length === 1);
        socket.send('tea?');
        await Promise.race([closed, failed]);
        assert.equal(heard, ['open', 'heard']);
      } finally {
        socket.terminate();
      }
    },
  );
}

/** The Link fields of a page's interim responses. */
async function hints(stage: Stage, path: string): Promise<string[]> {
  const ca = await authorityOf(stage.project);
  const found: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asking = ask(`https://localhost:${stage.port('SHOP')}${path}`, { ca, timeout: 60_000, agent: false });
  asking.on('information', ({ statusCode, headers }) => found.push(String(headers['link'] ?? statusCode)));
  asking.on('response', (response) => response.resume().on('end', resolve).on('error', reject));
  asking.on('timeout', () => asking.destroy(new Error(`${path}: no answer`)));
  asking.on('error', reject);
  asking.end();
  await promise;
  return found;
}
