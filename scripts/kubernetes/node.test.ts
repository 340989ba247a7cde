import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { joinLog } from './node.ts';

const LOG = [
  '2026-11-24T04:16:49.497978068Z stdout F one',
  '2026-11-24T04:16:49.497978069Z stderr F  two, indented',
  '2026-11-24T04:16:49.497978070Z stdout P three, in ',
  '2026-11-24T04:16:49.497978071Z stdout F parts',
  '2026-11-24T04:16:49.497978072Z stdout F ',
  'no line of a log',
].join('\n');

test("a container's log is what it wrote, by stream", () => {
  assert.is(joinLog(LOG), 'one\n two, indented\nthree, in parts\n\n');
  assert.is(joinLog(LOG, 'stdout'), 'one\nthree, in parts\n\n');
  assert.is(joinLog(LOG, 'stderr'), ' two, indented\n');
  assert.is(joinLog(''), '');
});

test.run();
