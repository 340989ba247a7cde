/** What the lifecycle stack must do: its obligations, in order, each in the file of its theme. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { comingAndGoingObligations } from './obligations/coming-and-going.ts';
import { debuggingObligations } from './obligations/debugging.ts';
import { engineObligations } from './obligations/engine.ts';
import { hangingObligations } from './obligations/hanging.ts';
import { jobObligations } from './obligations/job.ts';
import { naiveObligations } from './obligations/naive.ts';
import { orderObligations } from './obligations/order.ts';
import { sharingObligations } from './obligations/sharing.ts';
import { shutdownObligations } from './obligations/shutdown.ts';

const stack = scenario(import.meta.url);

// What happens to the run's own pod, what happens to pods that are made for one obligation, and the
// engine of the test's own: three lanes that do not see one another.
const pod = stack.lane('pod');
const others = stack.lane('other pods');

orderObligations(pod, others);
sharingObligations(pod);
comingAndGoingObligations(pod);
hangingObligations(pod, others);
naiveObligations(pod);
jobObligations(others);
debuggingObligations(pod);
engineObligations(stack.lane('engine'));
shutdownObligations(stack);

stack.run();
