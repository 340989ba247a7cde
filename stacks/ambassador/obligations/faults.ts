/** A server that is slow, and one that is gone. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { idOf } from '../lib/baskets.ts';
import { clientOf, keyOf } from '../lib/valkeys.ts';

/** Signal the server of a container: it is held by STOP, as a machine without time for it would, and goes on by CONT. */
async function signal(project: Driver, service: string, name: 'STOP' | 'CONT'): Promise<void> {
  const script = 'for p in /proc/[0-9]*; do [[ $(<$p/comm) != valkey-server ]] || kill -$0 ${p#/proc/}; done';
  await project.exec(service, ['bash', '-c', script, name]);
}

export function faultObligations({ must }: Scenario): void {
  must(
    'let a slow server slow no other',
    { say: 'One of the three stops answering for a while. The others do not notice.' },
    async ({ project, port }) => {
      const [client, other] = [await clientOf(port('OUTSIDE')), await clientOf(port('OUTSIDE'))];
      const [quick, slow] = [keyOf(0, 'slow'), keyOf(1, 'slow')];
      assert.equal(await client.pipeline(['SET', quick, '1'], ['SET', slow, '2']), ['OK', 'OK']);
      await signal(project, 'valkey-b', 'STOP');
      try {
        client.send(['GET', slow]);
        // All of this is answered while the slow one certainly answers nobody.
        for (let index = 0; index < 50; index++) assert.is(await other.ask('GET', quick), '1');
      } finally {
        await signal(project, 'valkey-b', 'CONT');
      }
      // Late, or, on a machine that took its time, an error after TIMEOUT.
      const late = await client.next();
      assert.ok(late === '2' || late instanceof ReplyError, JSON.stringify(late));
      await eventually('it answers again', async () => (await client.ask('GET', slow)) === '2');
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
          if (answer instanceof ReplyError) refused.add(answer.message);
          else acknowledged.push(key);
        }
      })();
      await eventually('it writes', () => acknowledged.length > 300);
      const key = keyOf(1, 'dead');
      const another = await RespClient.to(port('OUTSIDE'));
      await project.kill('valkey-b');
      try {
        await eventually('its keys are errors', () => refused.size > 0);
        const before = acknowledged.length;
        await eventually('the others answer', () => acknowledged.length > before + 300);
        assert.instance(await another.ask('GET', key), ReplyError);
      } finally {
        await project.start('valkey-b');
      }
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
