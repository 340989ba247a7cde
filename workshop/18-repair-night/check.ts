import { adminPage } from '../../scripts/lib/admin.ts';
import { container, exercise, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import { crashAndReturn, page, publishedPort, publishedPorts, settled } from '../commands/observe.ts';
import { why as common } from '../lessons/why.ts';
import { why } from './why.ts';

/** What ends at once again was running for a moment, too. */
const STAYS = 2000;

async function stays(stage: Stage): Promise<void> {
  const { State } = await running(stage, 'board');
  need(Date.now() - Date.parse(State.StartedAt) >= STAYS, why('justBegun'));
}

async function healthy(stage: Stage): Promise<void> {
  const { State } = await running(stage, 'board');
  need(State.Health, why('noHealth'));
  need(State.Health.Status === 'healthy', why('health', { health: State.Health.Status }));
  const { Config } = await container(stage, 'tls');
  const edges = Config.Labels['com.docker.compose.depends_on'] ?? '';
  need(/(?:^|,)board:service_healthy/.test(edges), why('waitsNot'));
}

async function sidecarReady(stage: Stage): Promise<void> {
  await running(stage, 'tls');
  const { status, body } = await adminPage(stage.project, 'tls', '/readyz').catch(() =>
    Promise.reject(new Unmet(common('adminSilent', { service: 'tls' }))),
  );
  need(status === 200, why('notReady', { answer: body.split('\n')[0] }));
}

async function shown(stage: Stage): Promise<void> {
  await running(stage, 'board');
  await running(stage, 'tls');
  const { body: ca } = await adminPage(stage.project, 'tls', '/ca.crt').catch(() =>
    Promise.reject(new Unmet(common('adminSilent', { service: 'tls' }))),
  );
  const text = await page(`https://localhost:${await publishedPort(stage, 8443)}/`, ca);
  need(text.includes('Central'), common('notTheBoard'));
  const wrong = (await publishedPorts(stage)).find(({ inside }) => inside !== 8443);
  need(wrong === undefined, why('pastSidecar', { port: wrong?.inside }));
}

async function survives(stage: Stage): Promise<void> {
  await shown(stage);
  await crashAndReturn(stage, 'board');
  await settled(why('shownAgain'), () => shown(stage).then(() => true));
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
