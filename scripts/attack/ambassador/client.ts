/** Connections to the ambassador under attack. */
import { closed, dial, several } from '../client.ts';
import type { AttackContext } from '../suite.ts';

const PORT = 6379;
/** Of a client that leaves, in milliseconds. */
const LONGEST_STAY = 100;

/** Connections that send some bytes, and stay until they are closed or the signal says so. @param reads what is answered */
export async function sendAndStay(
  count: number,
  bytes: () => string,
  { reads, signal }: { readonly reads: boolean; readonly signal: AbortSignal },
): Promise<void> {
  await several(count, async () => {
    const socket = await dial(PORT, signal);
    if (socket === undefined) return;
    if (reads) socket.resume();
    else socket.pause();
    socket.write(bytes(), 'latin1');
    await closed(socket, signal);
  });
}

/** Send bytes, and leave at any moment soon after. */
export async function sendAndLeave(bytes: string | Buffer, { random, signal }: AttackContext): Promise<void> {
  const socket = await dial(PORT, signal);
  if (socket === undefined) return;
  socket.resume().write(bytes, 'latin1');
  const leaving = AbortSignal.any([signal, AbortSignal.timeout(random.below(LONGEST_STAY))]);
  await closed(socket, leaving);
  socket.destroy();
}

/** Ask, and compare the answer byte by byte. @throws when it is another one, or does not come in time */
export async function expect(request: string, answer: string, signal: AbortSignal): Promise<void> {
  const socket = await dial(PORT, signal);
  if (socket === undefined) throw new Error('the connection was refused');
  let come = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (text: string) => {
    come += text;
    if (come.length >= answer.length) resolve();
  });
  socket.on('close', () => reject(new Error(`the connection ended after ${JSON.stringify(come.slice(0, 200))}`)));
  socket.write(request, 'latin1');
  try {
    await promise;
    if (come !== answer) throw new Error(`answered ${JSON.stringify(come.slice(0, 200))}`);
  } finally {
    socket.destroy();
  }
}
