import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestConnection } from '#proxy/testing/http2.ts';

test('a connection that is gone holds no memory, whatever its destroyed socket still names', () => {
  const side = new TestConnection('server');
  side.connection.transportHolds(5000);
  assert.is(side.memory.used, 5000);
  side.connection.close();
  assert.is(side.memory.used, 0);
  side.connection.transportHolds(5000);
  assert.is(side.memory.used, 0);
});

test.run();
