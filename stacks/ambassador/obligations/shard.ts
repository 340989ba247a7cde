/** The keys of an app that knows one server live on three. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { Baskets } from '../baskets.ts';
import { keysOfEach } from '../valkeys.ts';

const VISITORS = 150;
/** A session's id, as web frameworks make them. */
const visitor = (index: number): string => createHash('sha1').update(String(index)).digest('hex');

export function shardObligations({ must }: Scenario): void {
  must(
    'spread the keys of an unchanged app over three servers',
    { say: 'The app knows one server, at 127.0.0.1:6379. Its baskets lie on three.' },
    async ({ project, port, say }) => {
      const app = new Baskets(port('APP'));
      await app.up();
      const names = Array.from({ length: VISITORS }, (_, index) => visitor(index));
      for (const name of names) await app.add(name, 'teapot');
      assert.equal(await app.ask('GET', '/baskets'), names.toSorted());
      assert.equal(await app.ask('GET', `/baskets/${names[7]}`), { teapot: '1' });
      const keys = await keysOfEach(project);
      say(`baskets on each: ${keys.join(', ')}`);
      assert.is(
        keys.reduce((sum, each) => sum + each),
        VISITORS,
      );
      for (const count of keys) assert.ok(count > VISITORS / 10, `${count} of ${VISITORS} keys on one of three`);
    },
  );
}
