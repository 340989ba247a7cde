import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Request } from './request.ts';

const NAMES = ['X-Who', 'x_who', 'X.WHO', 'xwho', 'X-Whom', 'Y-X-Who', 'Host', 'Content-Length', 'x-who2', 'A'];
const VALUES = ['', 'a', 'X-Who: b', 'x_who:', '7'];

const line = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES))
  .map(([name, value]) => `${name}: ${value}`);
const lines = fc.array(line, { maxLength: 6 }).map((all) => all.map((each) => `${each}\r\n`).join(''));

function requestOf(text: string, asWire: boolean): Request {
  const init = { method: 'GET', target: '/x-who:', authority: 'a' };
  return asWire ? new Request(init, `GET /x-who: HTTP/1.1\r\n${text}`) : new Request({ ...init, lines: text });
}

test('what is told of fields without making a list of them is what the list tells', () => {
  fc.assert(
    fc.property(
      lines,
      lines,
      fc.boolean(),
      fc.constantFrom(...NAMES.filter((name) => name !== 'Host' && name !== 'Content-Length'), 'Missing'),
      (came, added, asWire, name) => {
        const make = (): Request => {
          const request = requestOf(came, asWire);
          request.appendLines(added);
          return request;
        };
        const [lazy, read] = [make(), make()];
        void [...read];
        assert.equal(lazy.getAll(name), read.getAll(name));
        assert.is(make().has(name), read.has(name));
        assert.is(make().get(name), read.get(name));
        const unadded = requestOf(came, asWire);
        assert.is(
          unadded.get(name),
          requestOf(came, asWire).getAll(name).join(', ') || (unadded.has(name) ? '' : undefined),
        );
        const [deleted, readDeleted] = [make(), make()];
        void [...readDeleted];
        deleted.delete(name);
        readDeleted.delete(name);
        assert.equal([...deleted], [...readDeleted]);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a field that only CGI would take for another is deleted with it', () => {
  for (const asWire of [true, false]) {
    const request = requestOf('X_Who: forged\r\nX.who: forged\r\nOther: 1\r\n', asWire);
    request.delete('X-Who');
    assert.equal([...request], [['Other', '1']]);
  }
});

test.run();
