import { adminPage } from '../../scripts/lib/admin.ts';
import { container, exercise, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import { crashAndReturn, page, publishedPort, publishedPorts, settled } from '../commands/observe.ts';

/** What ends at once again was running for a moment, too. */
const STAYS = 2000;

async function stays(stage: Stage): Promise<void> {
  const { State } = await running(stage, 'board');
  need(Date.now() - Date.parse(State.StartedAt) >= STAYS, 'board has only just begun: does its log say why?');
}

async function healthy(stage: Stage): Promise<void> {
  const { State } = await running(stage, 'board');
  need(State.Health, 'board has no health check any more');
  need(State.Health.Status === 'healthy', `the health check of board says ${State.Health.Status}`);
  const { Config } = await container(stage, 'tls');
  const edges = Config.Labels['com.docker.compose.depends_on'] ?? '';
  need(/(?:^|,)board:service_healthy/.test(edges), 'tls does not wait until board is healthy any more');
}

async function sidecarReady(stage: Stage): Promise<void> {
  await running(stage, 'tls');
  const { status, body } = await adminPage(stage.project, 'tls', '/readyz').catch(() =>
    Promise.reject(new Unmet('tls runs, and its admin port does not answer: its log says why')),
  );
  need(status === 200, `tls is not ready: ${body.split('\n')[0]}`);
}

async function shown(stage: Stage): Promise<void> {
  await running(stage, 'board');
  await running(stage, 'tls');
  const { body: ca } = await adminPage(stage.project, 'tls', '/ca.crt').catch(() =>
    Promise.reject(new Unmet('tls runs, and its admin port does not answer: its log says why')),
  );
  const text = await page(`https://localhost:${await publishedPort(stage, 8443)}/`, ca);
  need(text.includes('Central'), 'a page answers, and it is not the departure board');
  const wrong = (await publishedPorts(stage)).find(({ inside }) => inside !== 8443);
  need(wrong === undefined, `port ${wrong?.inside} is published: past the sidecar`);
}

async function survives(stage: Stage): Promise<void> {
  await shown(stage);
  await crashAndReturn(stage, 'board');
  await settled('the board is shown again after a crash', () => shown(stage).then(() => true));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'keep the board running', look: stays },
    { must: 'see that the board is healthy, before tls starts', look: healthy },
    { must: 'have a sidecar that is ready', look: sidecarReady },
    { must: 'show the departure board over HTTPS, and only so', look: shown },
    { must: 'show it again when the board has crashed', look: survives, trial: true },
  ],
});
