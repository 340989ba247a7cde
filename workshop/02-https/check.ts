import { connect, type PeerCertificate } from 'node:tls';
import { reasonOf } from '../languages/reasons.ts';
import { exercise, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import { page, publishedPort, publishedPorts } from '../commands/observe.ts';
import { why } from './why.ts';

const PORT = 8443;
const PATIENCE = 5000;

/** The authority that signed the exercise's certificates, from the sidecar's own folder of them. */
async function authority(stage: Stage): Promise<string> {
  await running(stage, 'tls');
  return stage.project.exec('tls', ['cat', '/certs/ca.pem']).catch(async (error: unknown) => {
    // It may have ended meanwhile: then that is what there is to know.
    await running(stage, 'tls');
    throw new Unmet(why('tls', { problem: reasonOf(error) }));
  });
}

/** The certificate that a client of localhost is shown, once it is trusted. */
async function shown(port: number, ca: string): Promise<PeerCertificate> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>();
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, timeout: PATIENCE });
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate()));
  socket.once('timeout', () => reject(new Unmet(why('silent', { port }))));
  socket.once('error', (error) => reject(new Unmet(why('noTls', { problem: reasonOf(error) }))));
  return promise.finally(() => socket.destroy());
}

async function certificate(stage: Stage): Promise<void> {
  const ca = await authority(stage);
  const { subject } = await shown(await publishedPort(stage, PORT), ca);
  need(subject.CN === 'guestbook.example', why('otherName', { name: String(subject.CN) }));
}

async function guestbook(stage: Stage): Promise<void> {
  const ca = await authority(stage);
  const port = await publishedPort(stage, PORT);
  const text = await page(`https://localhost:${port}/cgi-bin/guestbook.cgi`, ca);
  need(/guest book/i.test(text), why('notTheBook'));
}

/** A request in plain HTTP gets no page, on any port that is published. */
async function nothingPlain(stage: Stage): Promise<void> {
  await running(stage, 'tls');
  for (const { port, inside } of await publishedPorts(stage)) {
    const plain = await page(`http://127.0.0.1:${port}/`).catch(() => undefined);
    need(plain === undefined, why('plain', { port: inside }));
  }
}

export default exercise({
  runs: true,
  checks: [
    { must: 'show the certificate of guestbook.example', look: certificate },
    { must: 'answer over HTTPS with the guest book', look: guestbook },
    { must: 'answer nothing in plain HTTP', look: nothingPlain },
  ],
});
