/** The incremental variant: what one stream is told of what it subscribed to. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadRequest, type Response } from './client-stream.ts';
import { DeltaStream, type DeltaRequest } from './delta.ts';
import { CDS, EDS, LDS, RDS, type TypeUrl } from './resources/types.ts';
import { view, type Hashes } from '../testing/views.ts';

function start(of: Hashes, warms = false) {
  const sent: Response[] = [];
  const stream = new DeltaStream(view(of), (response) => sent.push(response), { warms });
  const ask = (type: TypeUrl, request: Partial<DeltaRequest> = {}) =>
    stream.request({ type, nonce: '', subscribe: [], unsubscribe: [], known: {}, ...request });
  /** What was sent, acknowledged in its order until nothing more comes. */
  const taken = (): string[] => {
    const lines: string[] = [];
    for (let response = sent.shift(); response; response = sent.shift()) {
      const { type, nonce, resources, removed } = response;
      lines.push(
        [
          `${type.split('.').at(-1)}:`,
          ...resources.map(({ name, hash }) => `${name}=${hash}`),
          ...removed.map((name) => `-${name}`),
        ].join(' '),
      );
      assert.is(ask(type, { nonce }), 'ack');
    }
    return lines;
  };
  return { stream, sent, ask, taken };
}

test('after the first response only what has changed is sent, and what is gone is named', () => {
  const { stream, ask, taken } = start({ [CDS]: { a: '1', b: '1', 'only-c': '1' } });
  ask(CDS);
  assert.equal(taken(), ['Cluster: a=1 b=1']);
  stream.update(view({ [CDS]: { a: '2', b: '1' } }));
  assert.equal(taken(), ['Cluster: a=2']);
  stream.update(view({ [CDS]: { a: '2' } }));
  assert.equal(taken(), ['Cluster: -b']);
  stream.update(view({ [CDS]: { a: '2' } }));
  assert.equal(taken(), []);
});

test('a client that comes again says what it has, and is sent the rest', () => {
  const { ask, taken } = start({ [CDS]: { a: '2', b: '1', d: '1' }, [EDS]: { a: '1', b: '1' } });
  ask(CDS, { known: { a: '1', b: '1', c: '1' } });
  assert.equal(taken(), ['Cluster: a=2 d=1 -c']);
  ask(EDS, { subscribe: ['a', 'b'], known: { a: '1' } });
  assert.equal(taken(), ['ClusterLoadAssignment: b=1']);
});

test('where there is nothing, the first response says so', () => {
  const { stream, ask, taken } = start({});
  ask(LDS);
  assert.equal(taken(), ['Listener:']);
  ask(RDS, { subscribe: ['r'] });
  assert.equal(taken(), ['RouteConfiguration: -r']);
  stream.update(view({ [RDS]: { r: '1' } }));
  assert.equal(taken(), ['RouteConfiguration: r=1']);
});

test('names are added and taken away one by one; one that is asked for again is sent again', () => {
  const { stream, ask, taken } = start({ [EDS]: { a: '1', b: '1', c: '1' } });
  ask(EDS, { subscribe: ['a', 'b'] });
  assert.equal(taken(), ['ClusterLoadAssignment: a=1 b=1']);
  ask(EDS, { subscribe: ['c'], unsubscribe: ['a'] });
  assert.equal(taken(), ['ClusterLoadAssignment: c=1']);
  stream.update(view({ [EDS]: { a: '2', b: '2', c: '1' } }));
  assert.equal(taken(), ['ClusterLoadAssignment: b=2']);
  ask(EDS, { subscribe: ['a', 'c', 'gone'] });
  assert.equal(taken(), ['ClusterLoadAssignment: c=1 a=2 -gone']);
});

test('a name that is given up while all are wanted is told of once more', () => {
  const { ask, taken } = start({ [CDS]: { a: '1', b: '1', 'only-c': '1' } });
  ask(CDS, { subscribe: ['*', 'only-c'] });
  assert.equal(taken(), ['Cluster: only-c=1 a=1 b=1']);
  ask(CDS, { unsubscribe: ['a', 'only-c'] });
  assert.equal(taken(), ['Cluster: a=1 -only-c']);
  ask(CDS, { unsubscribe: ['*'], subscribe: ['b'] });
  assert.equal(taken(), ['Cluster: b=1']);
});

test('names that come while a response is under way are answered after it', () => {
  const { sent, ask } = start({ [EDS]: { a: '1', b: '1' } });
  ask(EDS, { subscribe: ['a'] });
  ask(EDS, { subscribe: ['b'] });
  assert.is(sent.length, 1);
  ask(EDS, { nonce: sent[0]!.nonce });
  assert.equal(
    sent[1]!.resources.map(({ name }) => name),
    ['b'],
  );
});

test('a refused resource is sent again only when it changed, with everything that came with it', () => {
  const { stream, sent, ask, taken } = start({ [RDS]: { a: '1', b: '1' } });
  ask(RDS, { subscribe: ['a', 'b'] });
  taken();
  stream.update(view({ [RDS]: { a: '2', b: 'bad' } }));
  assert.is(ask(RDS, { nonce: sent.shift()!.nonce, error: 'b is bad' }), 'nack');
  assert.is(stream.status()[0]!.refused!.reason, 'b is bad');
  stream.update(view({ [RDS]: { a: '2', b: 'bad' } }));
  assert.equal(taken(), []);
  stream.update(view({ [RDS]: { a: '2', b: '1' } }));
  assert.equal(taken(), ['RouteConfiguration: a=2']);
});

test('a cluster is removed only after the routes that named it', () => {
  const { stream, ask, taken } = start({ [CDS]: { a: '1', b: '1' }, [RDS]: { r: 'a' } });
  ask(CDS);
  taken();
  ask(RDS, { subscribe: ['r'] });
  taken();
  stream.update(view({ [CDS]: { b: '1', c: '1' }, [RDS]: { r: 'b' } }));
  assert.equal(taken(), ['Cluster: c=1', 'RouteConfiguration: r=b', 'Cluster: -a']);
});

test('a client that warms clusters gets their endpoints again after they changed', () => {
  const { stream, ask, taken } = start({ [CDS]: { a: '1' }, [EDS]: { a: '1' } }, true);
  ask(CDS);
  taken();
  ask(EDS, { subscribe: ['a'] });
  taken();
  stream.update(view({ [CDS]: { a: '2' }, [EDS]: { a: '1' } }));
  assert.equal(taken(), ['Cluster: a=2', 'ClusterLoadAssignment: a=1']);
});

test('names are bounded over all requests of a stream', () => {
  const { ask } = start({});
  const names = (first: number) => Array.from({ length: 15_000 }, (_, index) => String(first + index));
  ask(EDS, { subscribe: names(0) });
  for (const more of [
    { subscribe: names(15_000) },
    { unsubscribe: ['x'.repeat(1025)] },
    { known: { a: 'x'.repeat(1025) } },
  ])
    assert.throws(
      () => ask(EDS, more),
      (error: unknown) => error instanceof BadRequest,
    );
});

test('whatever changes and is asked in whatever order, a client ends with what is true', () => {
  const names = fc.subarray(['a', 'b', 'c', 'd']);
  const hashes = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3'), { maxKeys: 4 });
  const step = fc.oneof(
    fc.record({ view: hashes }),
    fc.record({ subscribe: names, unsubscribe: names }),
    fc.record({ nack: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { stream, sent, ask } = start({});
      const wanted = new Set<string>();
      const has = new Map<string, string>();
      const answer = (nack: boolean): void => {
        const response = sent.shift();
        if (!response) return;
        if (!nack) {
          for (const { name, hash } of response.resources) if (wanted.has(name)) has.set(name, hash);
          for (const name of response.removed) has.delete(name);
        }
        ask(EDS, { nonce: response.nonce, ...(nack && { error: 'no' }) });
      };
      ask(EDS, { subscribe: ['a'] });
      wanted.add('a');
      let current: Record<string, string> = {};
      for (const each of steps) {
        if ('view' in each) stream.update(view({ [EDS]: (current = each.view) }));
        else if ('nack' in each) answer(each.nack);
        else {
          const unsubscribe = each.unsubscribe.filter((name) => !each.subscribe.includes(name));
          ask(EDS, { subscribe: each.subscribe, unsubscribe });
          for (const name of each.subscribe) wanted.add(name);
          for (const name of unsubscribe) {
            wanted.delete(name);
            has.delete(name);
          }
        }
      }
      // What it refused last it need not have; a change that is good brings all.
      current = { ...current, z: '9' };
      ask(EDS, { subscribe: ['z'] });
      wanted.add('z');
      stream.update(view({ [EDS]: current }));
      for (let round = 0; round < 100 && sent.length > 0; round++) answer(false);
      assert.ok(stream.upToDate);
      const expected = Object.entries(current).filter(([name]) => wanted.has(name));
      const sorted = (pairs: Iterable<readonly [string, string]>): string[] =>
        [...pairs].map((pair) => pair.join('=')).toSorted();
      assert.equal(sorted(has), sorted(expected));
    }),
    { numRuns: 500 },
  );
});

test.run();
