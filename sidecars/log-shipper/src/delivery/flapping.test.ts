/** What stands before a store may answer some requests itself: what it says is about none of their lines. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestStore } from '#kit/testing/bulk-store.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { recordsOf, startDelivery } from './test-delivery.ts';

const statuses = [301, 302, 307, 308, 401, 403, 404, 405, 406, 408, 410, 411, 415, 417, 421, 426, 429, 431, 451, 502];

test('redirects, a missing page, a login page: no line is dead, each is stored once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...statuses),
      fc.array(fc.boolean(), { minLength: 2, maxLength: 30 }).filter((each) => each.includes(true)),
      async (status, lets) => {
        const store = new TestStore();
        let turn = 0;
        const server = await serve((request, response) => {
          if (lets[turn++ % lets.length]) return void store.answer(request, response);
          request.resume();
          response.writeHead(status, { location: '/login', 'content-type': 'text/html' }).end('<html>not here</html>');
        });
        const { delivery, settled, close } = startDelivery([server.url], { STORE_RETRY_MAX: '10ms' });
        try {
          await delivery.offer(recordsOf('a', 12));
          await eventually('all is told', () => settled.length === 12);
          assert.ok(
            settled.every(({ outcome }) => outcome === 'stored'),
            settled.map(({ outcome }) => outcome).join(),
          );
          assert.equal(
            store.documents.map(({ id }) => id),
            recordsOf('a', 12).map(({ id }) => id),
          );
        } finally {
          close();
          await server.close();
        }
      },
    ),
    { numRuns: 60, includeErrorInReport: true },
  );
});

test.run();
