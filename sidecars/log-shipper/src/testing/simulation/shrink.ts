/** Makes what happens in a failing seed as little as it can be. */
import { SOUND } from './disk.ts';
import { ALL, scenarioOf, simulate, type Outcome, type Scenario } from './run.ts';

const CALM: Scenario['store'] = { refused: 0, unheard: 0, busy: 0, item: 0, half: 0, delay: [1, 5] };

/** Scenarios that are simpler than one, the simplest first. */
function simpler(scenario: Scenario): Scenario[] {
  const { rotation, env, disk } = scenario;
  const changes: Partial<Scenario>[] = [
    { applications: 1 },
    { kills: 0 },
    { store: CALM },
    { disk: SOUND },
    { disk: { ...disk, powerCut: false } },
    { disk: { ...disk, unreadable: 0 } },
    { disk: { ...disk, full: [0, 0] } },
    { slowest: 0.02 },
    { granularity: 1 },
    { rotation: { ...rotation, keep: ALL } },
    { rotation: { ...rotation, compress: 'no' } },
    { rotation: { ...rotation, callTime: [0.01, 0.1] } },
    ...Object.keys(env)
      .filter((name) => name !== 'FILE_PARTIAL_TIMEOUT')
      .map((name) => ({ env: Object.fromEntries(Object.entries(env).filter(([each]) => each !== name)) })),
    { rotation: { ...rotation, times: rotation.times - 1 } },
    { kills: scenario.kills - 1 },
    { applications: scenario.applications - 1 },
    { writes: Math.floor(scenario.writes / 2) },
    { writes: scenario.writes - 1 },
  ];
  return changes
    .map((change) => ({ ...scenario, ...change }))
    .filter((each) => each.applications > 0 && each.writes > 0 && each.kills >= 0 && each.rotation.times >= 0)
    .filter((each) => JSON.stringify(each) !== JSON.stringify(scenario));
}

/**
 * The simplest scenario that was found with which a seed still fails.
 * @param change what is otherwise than the seed says
 * @returns it, with its run and trace; undefined when the seed does not fail
 */
export async function shrink(
  seed: number,
  change: Partial<Scenario> = {},
): Promise<{ readonly scenario: Scenario; readonly outcome: Outcome } | undefined> {
  const fails = async (scenario: Scenario): Promise<boolean> =>
    (await simulate(seed, { change: scenario })).problems.length > 0;
  let scenario: Scenario = { ...scenarioOf(seed), ...change };
  if (!(await fails(scenario))) return undefined;
  for (let again = true; again;) {
    again = false;
    for (const each of simpler(scenario)) {
      if (!(await fails(each))) continue;
      scenario = each;
      again = true;
      break;
    }
  }
  return { scenario, outcome: await simulate(seed, { change: scenario, trace: true }) };
}
