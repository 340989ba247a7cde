/** Listening on the wire of a pod: tcpdump in a container that joins its network. */
import { EngineError, docker } from '../../../scripts/lib/engine.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import { joining, toolsImage } from '../../../scripts/debug/tools.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { readStreams, type Stream } from './pcap.ts';

const FILE = '/tmp/wire.pcap';
/** The capture ends by itself when nobody ends it. */
const AT_MOST_S = 120;

/**
 * All TCP streams that a pod has with others while something happens.
 * @param pod the service that owns the pod
 */
export async function listenWhile(
  { project, say }: { project: Project; say: (text: string) => void },
  pod: string,
  work: () => Promise<unknown>,
): Promise<Stream[]> {
  const image = await toolsImage(say);
  const network = await project.id(pod);
  const [run, ...rest] = joining({ stack: 'mesh', network, processes: network });
  // --immediate-mode: what is on the wire is in the file at once, so that nothing is missed at the end.
  const script = `timeout ${AT_MOST_S} tcpdump -i eth0 --immediate-mode -U -Z root -w ${FILE} tcp; sleep ${AT_MOST_S}`;
  const id = await docker([run!, '--detach', ...rest, image, 'bash', '-c', script], { timeoutMs: 60_000 });
  try {
    await eventually('tcpdump listens', async () => (await project.logs(id)).includes('listening on'), {
      within: 60_000,
    });
    await work();
    await docker(['exec', id, 'bash', '-c', 'kill -INT $(pidof tcpdump)'], { timeoutMs: 30_000 });
    await eventually('tcpdump has ended', async () => (await project.logs(id)).includes('packets captured'), {
      within: 60_000,
    });
    const text = await docker(['exec', id, 'base64', '-w0', FILE], { timeoutMs: 60_000 });
    return readStreams(Buffer.from(text, 'base64'));
  } finally {
    await docker(['rm', '--force', id], { timeoutMs: 60_000 }).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
    });
  }
}
