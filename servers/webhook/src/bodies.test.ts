import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Bodies, BodyError } from './bodies.ts';

const body = (remoteAddress: string): PassThrough & IncomingMessage =>
  Object.assign(new PassThrough(), { socket: { remoteAddress } }) as unknown as PassThrough & IncomingMessage;

interface Outcome {
  text?: string;
  status?: number;
}
function read(bodies: Bodies, request: IncomingMessage): Outcome {
  const outcome: Outcome = {};
  bodies.read(request).then(
    (text) => (outcome.text = text),
    (error: unknown) => (outcome.status = (error as BodyError).status),
  );
  return outcome;
}

test('a body is read whole, and its bytes are given back', async () => {
  const bodies = new Bodies(100, 100);
  const request = body('a');
  const outcome = read(bodies, request);
  request.write('one ');
  await turn();
  assert.is(bodies.total, 4);
  request.end('two');
  await turn();
  assert.equal([outcome.text, bodies.total], ['one two', 0]);
});

test('too long a body, and one whose connection ended, are refused', async () => {
  const bodies = new Bodies(3, 100);
  const [long, cut] = [body('a'), body('a')];
  const [first, second] = [read(bodies, long), read(bodies, cut)];
  long.write('long');
  cut.write('cut');
  await turn();
  cut.destroy();
  await turn();
  assert.equal([first.status, second.status, bodies.total], [413, 503, 0]);
});

test('when all bodies are too many, the address that holds most loses its largest', async () => {
  const bodies = new Bodies(100, 100);
  const requests = [body('greedy'), body('greedy'), body('modest')] as const;
  const [small, large, other] = requests.map((request) => read(bodies, request));
  requests[0].write('x'.repeat(20));
  requests[1].write('x'.repeat(30));
  requests[2].write('x'.repeat(45));
  await turn();
  assert.is(bodies.total, 95);
  requests[2].write('x'.repeat(6));
  await turn();
  await turn();
  // Together the two of one address held 50, and the other one 51.
  assert.equal([small!.status, large!.status, other!.status, bodies.total], [undefined, undefined, 503, 50]);
  requests[0].write('x'.repeat(51));
  await turn();
  await turn();
  assert.equal([small!.status, large!.status, bodies.total], [503, undefined, 30]);
});

test.run();
