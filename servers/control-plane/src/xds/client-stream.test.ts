/** The state of one stream: versions, nonces, names, order. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadRequest, type Response } from './client-stream.ts';
import { CDS, EDS, LDS, RDS, type TypeUrl } from './resources/types.ts';
import { view, type Hashes } from '../testing/views.ts';
import { WorldStream } from './state-of-the-world.ts';

function start(of: Hashes) {
  const sent: Response[] = [];
  const stream = new WorldStream(view(of), (response) => sent.push(response));
  const short = (): string[] =>
    sent
      .splice(0)
      .map(
        ({ type, resources }) =>
          `${type.split('.').at(-1)}: ${resources.map(({ name, hash }) => `${name}=${hash}`).join(' ')}`,
      );
  const last = new Map<string, string>();
  const ask = (type: TypeUrl, names: readonly string[] = [], error?: string) => {
    for (const response of sent) last.set(response.type, response.nonce);
    return stream.request({ type, nonce: last.get(type) ?? '', names, error });
  };
  return { stream, sent, short, ask };
}

test('all are sent that are not only by name; names are sent that are asked for', () => {
  const { short, ask } = start({ [CDS]: { a: '1', 'only-b': '1' }, [EDS]: { a: '1', c: '1' } });
  ask(CDS);
  ask(CDS);
  assert.equal(short(), ['Cluster: a=1']);
  ask(EDS, ['a', 'gone']);
  assert.equal(short(), ['ClusterLoadAssignment: a=1']);
});

test('an answer that is owed is sent although it is empty; a late name is sent once it exists', () => {
  const { stream, short, ask } = start({});
  ask(LDS, ['x']);
  assert.equal(short(), ['Listener: ']);
  ask(RDS, ['x']);
  assert.equal(short(), []);
  stream.update(view({ [RDS]: { x: '1' } }));
  assert.equal(short(), ['RouteConfiguration: x=1']);
});

test('one response at a time: what changes meanwhile comes after the answer', () => {
  const { stream, sent, short, ask } = start({ [EDS]: { a: '1' } });
  ask(EDS, ['a']);
  stream.update(view({ [EDS]: { a: '2' } }));
  stream.update(view({ [EDS]: { a: '3' } }));
  assert.is(sent.length, 1);
  assert.is(ask(EDS, ['a']), 'ack');
  sent.shift();
  assert.equal(short(), ['ClusterLoadAssignment: a=3']);
});

test('an answer to a response that has been overtaken counts for nothing', () => {
  const { stream, ask } = start({ [EDS]: { a: '1' } });
  ask(EDS, ['a']);
  assert.is(ask(EDS, ['a']), 'ack');
  assert.is(stream.request({ type: EDS, nonce: '77', names: ['a'], error: 'no' }), undefined);
  assert.is(stream.status()[0]!.state, 'SYNCED');
});

test('what was refused is not sent again until it is another, and then nothing of it is left out', () => {
  const { stream, short, ask } = start({ [RDS]: { a: '1', b: '1' } });
  ask(RDS, ['a', 'b']);
  ask(RDS, ['a', 'b']);
  short();
  stream.update(view({ [RDS]: { a: '2', b: 'bad' } }));
  assert.is(ask(RDS, ['a', 'b'], 'b is bad'), 'nack');
  short();
  assert.equal(stream.status()[0]!.refused!.reason, 'b is bad');
  stream.update(view({ [RDS]: { a: '2', b: 'bad' } }));
  assert.equal(short(), []);
  // b is as it was, and a, which was in the response that was refused, is new to the client.
  stream.update(view({ [RDS]: { a: '2', b: '1' } }));
  assert.equal(short(), ['RouteConfiguration: a=2']);
});

test('a cluster goes only after the routes that named it', () => {
  const { stream, sent, short, ask } = start({ [CDS]: { a: '1', b: '1' }, [RDS]: { r: 'a' } });
  for (const [type, names] of [
    [CDS, []],
    [RDS, ['r']],
  ] as const) {
    ask(type, names);
    ask(type, names);
  }
  short();
  stream.update(view({ [CDS]: { b: '1', c: '1' }, [RDS]: { r: 'b' } }));
  assert.equal(
    sent.map(({ resources }) => resources.map(({ name }) => name).join()),
    ['b,c,a'],
    'clusters first, the old one among them',
  );
  ask(CDS);
  sent.shift();
  assert.equal(
    sent.map(({ type }) => type),
    [RDS],
  );
  ask(RDS, ['r']);
  sent.shift();
  assert.equal(short(), ['Cluster: b=1 c=1']);
});

test('a client that does not answer holds up no other type for ever', () => {
  const { stream, short, ask } = start({ [CDS]: { a: '1' }, [LDS]: { l: '1' } });
  ask(CDS);
  ask(LDS);
  assert.equal(short(), ['Cluster: a=1']);
  assert.ok(stream.waiting);
  stream.hurry();
  assert.equal(short(), ['Listener: l=1']);
});

test('more names than any client has are refused', () => {
  const { stream } = start({});
  const names = Array.from({ length: 20_001 }, String);
  assert.throws(
    () => stream.request({ type: EDS, nonce: '', names }),
    (error: unknown) => error instanceof BadRequest,
  );
  assert.throws(
    () => stream.request({ type: EDS, nonce: '', names: ['x'.repeat(1025)] }),
    (error: unknown) => error instanceof BadRequest,
  );
});

test('whatever changes in whatever order, a client that answers ends with what is true', () => {
  const hashes = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3'), { maxKeys: 4 });
  const step = fc.oneof(
    fc.record({ [CDS]: hashes, [EDS]: hashes, [LDS]: hashes, [RDS]: hashes }),
    fc.constantFrom<'ack' | 'nack'>('ack', 'ack', 'ack', 'nack'),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { stream, sent } = start({});
      const has: Record<string, Map<string, string>> = { [CDS]: new Map(), [EDS]: new Map() };
      const names = ['a', 'b', 'c'];
      const ask = (type: TypeUrl, nonce: string, error?: string) =>
        stream.request({ type, nonce, names: type === EDS ? names : [], error });
      const answer = (nack: boolean): void => {
        const response = sent.shift();
        if (!response) return;
        const { type, nonce, resources } = response;
        if (!nack) {
          const fresh = resources.map(({ name, hash }) => [name, hash] as const);
          has[type] = new Map(type === CDS ? fresh : [...has[type]!, ...fresh]);
        }
        ask(type, nonce, nack ? 'no' : undefined);
      };
      ask(CDS, '');
      ask(EDS, '');
      let current: Hashes = {};
      for (const each of steps) {
        if (typeof each === 'string') answer(each === 'nack');
        else stream.update(view((current = each as Hashes)));
      }
      // What it refused last it need not have; a change that is good brings all.
      stream.update(
        view((current = { ...current, [CDS]: { ...current[CDS], z: '9' }, [EDS]: { ...current[EDS], a: '9' } })),
      );
      for (let round = 0; round < 50 && sent.length > 0; round++) answer(false);
      assert.ok(stream.upToDate);
      assert.equal(Object.fromEntries(has[CDS]!), { ...current[CDS] });
      for (const name of names) {
        const wanted = current[EDS]![name];
        if (wanted !== undefined) assert.is(has[EDS]!.get(name), wanted);
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
