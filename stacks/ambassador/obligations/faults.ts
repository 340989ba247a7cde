/** A server that is slow, and one that is gone. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { RespClient, RespError } from '#kit/testing/resp-client.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { idOf } from '../baskets.ts';
import { clientOf, keyOf, valkey } from '../valkeys.ts';

/** How long a server is kept from answering, in milliseconds: longer than anything that is looked at meanwhile. */
const PAUSE = 4000;

export function faultObligations({ must }: Scenario): void {
  must(
    'let a slow server slow no other',
    { say: 'One of the three stops answering for a while. The others do not notice.' },
    async ({ project, port }) => {
      const [client, other] = [await clientOf(port('OUTSIDE')), await clientOf(port('OUTSIDE'))];
      const [quick, slow] = [keyOf(0, 'slow'), keyOf(1, 'slow')];
      assert.equal(await client.pipeline(['SET', quick, '1'], ['SET', slow, '2']), ['OK', 'OK']);
      await valkey(project, 'valkey-b', 'CLIENT', 'PAUSE', String(PAUSE), 'ALL');
      let answered = false;
      const late = client.ask('GET', slow).then((answer) => ((answered = true), answer));
      for (let index = 0; index < 50; index++) assert.is(await other.ask('GET', quick), '1');
      assert.is(answered, false, 'the slow one has not answered yet');
      assert.is(await late, '2');
      client.close();
      other.close();
    },
  );

  must(
    'answer for two servers while the third is dead, and lose nothing that it acknowledged',
    {
      say: 'One of the three is killed: its keys are errors, the rest goes on. It comes back, and so do they.',
      within: 120_000,
    },
    async ({ project, port, say }) => {
      const client = await clientOf(port('OUTSIDE'));
      const acknowledged: string[] = [];
      const refused = new Set<string>();
      let done = false;
      const writing = (async () => {
        for (let index = 0; !done; index++) {
          const key = `order:${idOf(index)}`;
          const answer = await client.ask('SET', key, String(index));
          if (answer instanceof RespError) refused.add(answer.text);
          else acknowledged.push(key);
        }
      })();
      await eventually('it writes', () => acknowledged.length > 300);
      await project.kill('valkey-b');
      await eventually('its keys are errors', () => refused.size > 0);
      const before = acknowledged.length;
      await eventually('the others answer', () => acknowledged.length > before + 300);
      const key = keyOf(1, 'dead');
      const another = await RespClient.to(port('OUTSIDE'));
      assert.instance(await another.ask('GET', key), RespError);
      await project.start('valkey-b');
      await eventually('it is back', async () => (await another.ask('SET', key, '1')) === 'OK');
      another.close();
      done = true;
      await writing;
      say(`${acknowledged.length} writes acknowledged; while it was gone: ${[...refused].join('; ')}`);
      for (let at = 0; at < acknowledged.length; at += 500) {
        const keys = acknowledged.slice(at, at + 500);
        const values = (await client.ask('MGET', ...keys)) as (string | null)[];
        assert.equal(
          keys.filter((_, index) => values[index] === null),
          [],
        );
      }
      client.close();
    },
  );
}
