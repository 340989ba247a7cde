import { adminPage } from '../../scripts/lib/admin.ts';
import { container, exercise, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import { page, publishedPort, settled } from '../commands/observe.ts';
import { why } from './why.ts';

async function answers(stage: Stage): Promise<void> {
  await running(stage, 'reports');
  await running(stage, 'tls');
  const ca = await stage.project.exec('tls', ['cat', '/certs/tls.crt']);
  await page(`https://localhost:${await publishedPort(stage, 8443)}/`, ca);
}

const started = async (stage: Stage, service: string): Promise<number> =>
  Date.parse((await running(stage, service)).State.StartedAt);

/** What compose has written on the container, so that it holds at every start. */
async function waitsFor(stage: Stage, service: string, other: string, condition: string): Promise<void> {
  const { Config } = await running(stage, service);
  const edges = (Config.Labels['com.docker.compose.depends_on'] ?? '').split(',');
  const found = edges.find((edge) => edge.startsWith(`${other}:`))?.split(':')[1];
  need(found === condition, why('waitsNot', { service, other, found: found ?? why('notAtAll'), condition }));
}

async function initFirst(stage: Stage): Promise<void> {
  const { State } = await container(stage, 'prepare');
  const { Status: state, ExitCode: code } = State;
  need(state === 'exited' && code === 0, why('prepareIs', { state, code }));
  await waitsFor(stage, 'tls', 'prepare', 'service_completed_successfully');
  need(Date.parse(State.FinishedAt) <= (await started(stage, 'reports')), why('beforePrepare'));
}

async function sidecarFirst(stage: Stage): Promise<void> {
  await waitsFor(stage, 'reports', 'tls', 'service_healthy');
  need((await started(stage, 'tls')) <= (await started(stage, 'reports')), why('beforeTls'));
  const { State } = await running(stage, 'tls');
  need(State.Health, why('noHealth'));
  need(State.Health.Status === 'healthy', why('health', { health: State.Health.Status }));
}

/** Sends a signal to the application's processes, from its own container. */
const SIGNAL = `for each in /proc/[0-9]*; do
  if grep -qa "reports.py" "$each/cmdline" 2> /dev/null && [[ \${each#/proc/} != $$ ]]; then kill "-$1" "\${each#/proc/}"; fi
done`;
const signal = (stage: Stage, name: string): Promise<string> =>
  stage.project.exec('reports', ['bash', '-c', SIGNAL, 'signal', name]);

/** A real probe serves our admin port in the application's own pod; a container with only the name does not. */
async function probed(stage: Stage): Promise<void> {
  await running(stage, 'probe').catch(() => Promise.reject(new Unmet(why('noProbe'))));
  const { status } = await adminPage(stage.project, 'probe', '/healthz').catch(() => ({ status: 0 }));
  need(status === 200, why('probeSilent'));
}

async function hangs(stage: Stage): Promise<void> {
  await probed(stage);
  const before = await Promise.all(['reports', 'tls'].map((service) => started(stage, service)));
  await signal(stage, 'STOP');
  try {
    await settled(why('startedAnew'), async () => {
      const { State } = await container(stage, 'reports');
      return State.Running && Date.parse(State.StartedAt) !== before[0];
    });
  } catch (error) {
    await signal(stage, 'CONT').catch(() => {});
    throw error;
  }
  need((await started(stage, 'tls')) === before[1], why('tlsToo'));
  await settled(why('answersAgain'), () => answers(stage).then(() => true));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'answer over HTTPS', look: answers },
    { must: 'end prepare before anything else begins', look: initFirst },
    { must: 'start the application when the sidecar is healthy', look: sidecarFirst },
    { must: 'have a probe beside the application', look: probed },
    { must: 'restart the application when it hangs, and nothing else', look: hangs, trial: true },
  ],
});
