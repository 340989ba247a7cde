/** What the logs stack must do: lines are counted by their sequence numbers, at the app and in the store. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { arrival } from './obligations/arrival.ts';
import { faults } from './obligations/faults.ts';
import { life } from './obligations/life.ts';
import { many } from './obligations/many.ts';
import { outageBegins, outageEnds } from './obligations/outage.ts';
import { rotation } from './obligations/rotation.ts';
import { senders } from './obligations/senders.ts';

const logs = scenario(import.meta.url);

arrival(logs);
senders(logs);
rotation(logs);
// Two stores, two lanes: while one is down for a minute, or a sidecar is started anew, the other one's lines come.
const store = logs.lane('store');
outageBegins(store);
outageEnds(store);
const faulty = logs.lane('faulty');
many(faulty);
faults(faulty);
life(logs);

logs.run();
