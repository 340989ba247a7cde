/** Room for unfinished bodies: bounded, and never kept from somebody by who was there first and is slow. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Budget, type Holding } from './budget.ts';

test('whatever is taken, the limits hold, and who takes keeps what it has', () => {
  const step = fc.record({
    client: fc.integer({ min: 0, max: 3 }),
    body: fc.integer({ min: 0, max: 5 }),
    bytes: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [total, share, most] = [200, 100, 100];
      const budget = new Budget(total, share);
      const open = new Map<string, Holding>();
      for (const { client, body, bytes } of steps) {
        const key = `${client}/${body}`;
        const holding = open.get(key) ?? budget.open(String(client), () => open.delete(key));
        open.set(key, holding);
        if (holding.bytes + bytes > most) {
          budget.close(holding);
          open.delete(key);
          continue;
        }
        budget.take(holding, bytes);
        assert.ok(open.has(key), 'who takes is not evicted');
        assert.ok(budget.bytes <= total);
        for (const each of ['0', '1', '2', '3']) {
          const held = [...open.values()].filter((one) => one.client === each).reduce((sum, one) => sum + one.bytes, 0);
          assert.ok(held <= share);
        }
      }
      for (const holding of open.values()) budget.close(holding);
      assert.is(budget.bytes, 0);
    }),
  );
});

test('the body that has been unfinished for longest goes, of the same client before others', () => {
  const gone: string[] = [];
  const budget = new Budget(30, 20);
  const open = (client: string, name: string): Holding => budget.open(client, () => gone.push(name));
  const [a, b, c] = [open('slow', 'a'), open('slow', 'b'), open('other', 'c')];
  budget.take(a, 10);
  budget.take(b, 10);
  budget.take(c, 10);
  assert.equal(gone, []);
  const d = open('slow', 'd');
  budget.take(d, 5);
  assert.equal(gone, ['a']);
  budget.take(c, 10);
  assert.equal(gone, ['a', 'b']);
});

test.run();
