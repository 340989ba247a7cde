import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { crashAndReturn, page, publishedPort, sameNetwork, settled } from '../commands/observe.ts';
import { why } from './why.ts';

/** The certificate is made for the exercise, and signed by itself: it is its own authority. */
async function answers(stage: Stage): Promise<void> {
  await running(stage, 'reports');
  await running(stage, 'tls');
  await sameNetwork(stage, 'tls', 'reports');
  const ca = await stage.project.exec('tls', ['cat', '/certs/tls.crt']);
  const text = await page(`https://localhost:${await publishedPort(stage, 8443)}/`, ca);
  need(text.includes('<h1>Reports</h1>'), why('notTheReports'));
}

const survives = (service: string) => async (stage: Stage) => {
  await crashAndReturn(stage, service);
  // A stranded sidecar stays so: there is nothing to wait for.
  await sameNetwork(stage, 'tls', 'reports');
  await settled(why('answersAfter', { service }), () => answers(stage).then(() => true));
};

export default exercise({
  runs: true,
  checks: [
    { must: 'answer over HTTPS', look: answers },
    { must: 'answer after the application has crashed', look: survives('reports'), trial: true },
    { must: 'answer after the sidecar has crashed', look: survives('tls'), trial: true },
  ],
});
