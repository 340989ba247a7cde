/** What the logs stack must do: lines are counted by their sequence numbers, at the app and in the store. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { arrival } from './obligations/arrival.ts';
import { faults } from './obligations/faults.ts';
import { life } from './obligations/life.ts';
import { outageBegins, outageEnds } from './obligations/outage.ts';
import { rotation } from './obligations/rotation.ts';

const logs = scenario(import.meta.url);

arrival(logs);
rotation(logs);
// The minute of one is time for the other.
outageBegins(logs);
faults(logs);
outageEnds(logs);
life(logs);

logs.run();
