/** What the lifecycle stack must do: its obligations, in order, each in the file of its theme. */
import { scenario } from '../../scripts/lib/scenario.ts';
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

orderObligations(stack);
sharingObligations(stack);
comingAndGoingObligations(stack);
hangingObligations(stack);
naiveObligations(stack);
jobObligations(stack);
debuggingObligations(stack);
engineObligations(stack);
shutdownObligations(stack);

stack.run();
