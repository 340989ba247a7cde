/** Which server a key lies on, beside what Debian's nutcracker does with it: each of its hashes, both distributions. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import type { HashName } from '../../../sidecars/ambassador/src/ring/hash.ts';
import { Ring, type Member, type RingOptions } from '../../../sidecars/ambassador/src/ring/ring.ts';
import { clientOf, MEMBERS, PLACING, VALKEYS } from '../lib/valkeys.ts';

const KEYS = 1200;

/** A pool of services/nutcracker/nutcracker.yml. */
interface Pool {
  readonly name: string;
  readonly port: number;
  readonly members: readonly Member[];
  readonly placing: RingOptions;
}

const weighing = (names: readonly string[], weights: readonly number[]): Member[] =>
  names.map((name, index) => ({ name, weight: weights[index]! }));

const plain = (name: HashName, port: number): Pool => ({
  name,
  port,
  members: MEMBERS,
  placing: { hash: name, distribution: 'modula', hashTag: '' },
});

const POOLS: readonly Pool[] = [
  { name: 'alpha', port: 22121, members: MEMBERS, placing: PLACING },
  {
    name: 'beta',
    port: 22122,
    members: weighing(
      VALKEYS.map((host) => `${host}:6379`),
      [1, 2, 5],
    ),
    placing: { hash: 'md5', distribution: 'ketama', hashTag: '' },
  },
  {
    name: 'gamma',
    port: 22123,
    members: weighing(['x', 'y', 'z'], [2, 1, 1]),
    placing: { hash: 'one_at_a_time', distribution: 'modula', hashTag: '$$' },
  },
  plain('fnv1a_32', 22124),
  plain('fnv1_64', 22125),
  plain('fnv1_32', 22126),
  plain('crc16', 22127),
  plain('crc32', 22128),
  plain('crc32a', 22129),
  plain('hsieh', 22130),
  plain('murmur', 22131),
  plain('jenkins', 22132),
];

/** Keys of all sorts and lengths: plain, with tags of both kinds, empty and broken ones, bytes above 127. */
const keysFor = (pool: string): string[] =>
  Array.from({ length: KEYS }, (_, index) => {
    const tail = (index * 2_654_435_761) % 4_294_967_296;
    return [
      `nc:${pool}:${tail}`,
      `nc:${pool}:${index}:{user-${tail % 97}}`,
      `nc:${pool}:${index}:$${tail % 89}$x`,
      `nc:${pool}:{}${tail}`,
      `nc:${pool}:}${tail}{`,
      `nc:${pool}:ÿé${tail}${'ü'.repeat(index % 13)}`,
    ][index % 6]!;
  });

/** A key as valkey-cli reads and prints it. @param key Latin-1 */
const quoted = (key: string): string =>
  `"${key.replaceAll(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`;

/** So that a command has a hundred keys, and not each one a round trip. */
const inHundreds = (keys: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(keys.length / 100) }, (_, index) => keys.slice(index * 100, (index + 1) * 100));

/** Write keys by way of nutcracker, from within its network. */
async function write(project: Driver): Promise<void> {
  const ask = (port: number, input: string): Promise<string> =>
    project.exec(VALKEYS[0], ['valkey-cli', '-h', 'nutcracker', '-p', `${port}`], { input });
  await eventually('nutcracker answers', async () => {
    const answer = await ask(POOLS[0]!.port, 'GET any\n').catch(() => 'not yet');
    return answer.trim() === '';
  });
  for (const { name, port } of POOLS) {
    const commands = inHundreds(keysFor(name)).map(
      (some) => `MSET ${some.map((key) => `${quoted(key)} ${name}`).join(' ')}\n`,
    );
    const answers = await ask(port, commands.join(''));
    assert.is(answers.trim(), commands.map(() => 'OK').join('\n'), name);
  }
}

/** What the ambassador would have put on each server, as valkey-cli prints keys. */
const expectedOfEach = (): string[][] => {
  const expected: string[][] = VALKEYS.map(() => []);
  for (const { name, members, placing } of POOLS) {
    const ring = new Ring(members, placing);
    for (const key of keysFor(name)) expected[ring.owner(Buffer.from(key, 'latin1'), 0, key.length)]!.push(quoted(key));
  }
  return expected.map((keys) => keys.toSorted());
};

/** What lies on each server, any byte in it told. */
const quotedKeysOfEach = (project: Driver): Promise<string[][]> =>
  Promise.all(
    VALKEYS.map(async (server) => {
      const text = await project.exec(server, ['valkey-cli', '--no-raw', 'KEYS', 'nc:*']);
      return [...text.matchAll(/^ *\d+\) (".*")$/gm)].map(([, key]) => key!).toSorted();
    }),
  );

export function placingObligations({ must }: Scenario): void {
  must(
    'put keys exactly where nutcracker puts them, by each of its hashes',
    {
      say: `Debian's nutcracker writes ${POOLS.length * KEYS} keys. The ambassador would have put each on the same server.`,
    },
    async ({ project, port }) => {
      await write(project);
      const found = await quotedKeysOfEach(project);
      for (const [place, keys] of expectedOfEach().entries()) {
        const lies = new Set(found[place]);
        assert.equal(
          keys.filter((key) => !lies.has(key)),
          [],
          `these are not on ${VALKEYS[place]}`,
        );
        assert.is(found[place]!.length, keys.length);
      }
      const client = await clientOf(port('OUTSIDE'));
      const ascii = keysFor('alpha').filter((key) => /^[ -~]+$/.test(key));
      assert.equal(
        await client.ask('MGET', ...ascii),
        ascii.map(() => 'alpha'),
      );
      client.close();
      for (const [place, server] of VALKEYS.entries()) {
        const input = inHundreds(found[place]!).map((some) => `DEL ${some.join(' ')}\n`);
        await project.exec(server, ['valkey-cli'], { input: input.join('') });
      }
    },
  );
}
