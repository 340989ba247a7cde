/** Attacks over HTTP/1. */
import { closed, several } from '../client.ts';
import type { AttackContext } from '../suite.ts';
import { dial, writeUntilClosed } from './client.ts';

const CLIENTS = 400;

/** Clients that ask for much and read nothing. */
export async function slowReaders({ signal }: AttackContext): Promise<void> {
  await several(CLIENTS, async () => {
    const socket = await dial('http/1.1', signal);
    if (socket === undefined) return;
    socket.pause();
    socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await closed(socket, signal);
  });
}

/** Bodies in chunks of one byte, to an application that reads none, and from one that sends such. */
export async function oneByteChunks({ random, signal }: AttackContext): Promise<void> {
  const chunks = '1\r\nx\r\n'.repeat(1000);
  await several(40, async () => {
    const socket = await dial('http/1.1', signal);
    if (socket === undefined) return;
    if (random.chance(0.5)) {
      socket.resume();
      socket.write('POST /deaf HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
      await writeUntilClosed(socket, signal, () => chunks);
    } else {
      socket.pause();
      socket.write(`GET /pieces HTTP/1.${random.below(2)}\r\nHost: localhost\r\n\r\n`);
      await closed(socket, signal);
    }
  });
}

/** Heads of which the end never comes, byte by byte. */
export async function halfHeads({ random, signal }: AttackContext): Promise<void> {
  await several(CLIENTS, async () => {
    const socket = await dial('http/1.1', signal);
    if (socket === undefined) return;
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    for (let field = 0; !signal.aborted && !socket.destroyed; field++) {
      socket.write(`X-${field}: ${'y'.repeat(random.below(40))}\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
}

const NEARLY = [
  'Content-Length: 05',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding : chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
  'Connection: close, x, Content-Length',
  'Host: other',
  ' folded',
  'Expect: 100-continue',
  'Upgrade: websocket\r\nConnection: upgrade',
  'X: \0',
  'X: \n',
];
const BODIES = [
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
  '',
  '\r\n\r\n',
];
const LINES = [
  'GET / HTTP/1.1',
  'POST / HTTP/1.1',
  'POST / HTTP/1.0',
  'GET http://x/ HTTP/1.1',
  'GET / HTTP/2.0',
  'GET /',
];

/** Requests of a grammar of what is legal and what nearly is, cut anywhere. */
export async function nearlyLegalHeads({ random, signal }: AttackContext): Promise<void> {
  await several(20, async () => {
    const socket = await dial('http/1.1', signal);
    if (socket === undefined) return;
    socket.resume();
    for (let each = 0; each < 20 && !socket.destroyed && !signal.aborted; each++) {
      const fields = Array.from({ length: random.below(4) }, () => random.pick(NEARLY));
      const text = `${random.pick(LINES)}\r\n${['Host: localhost', ...fields].join('\r\n')}\r\n\r\n${random.pick(BODIES)}`;
      for (let at = 0; at < text.length && !socket.destroyed;) {
        const next = at + 1 + random.below(text.length);
        socket.write(text.slice(at, next), 'latin1');
        at = next;
        await new Promise(setImmediate);
      }
    }
    if (random.chance(0.5)) socket.end();
    else socket.destroy();
  });
}
