/** What the topz stack must do, seen from outside and from inside its containers: its obligations, in order. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { lifeObligations } from './obligations/life.ts';
import { measuringObligations } from './obligations/measuring.ts';
import { pageObligations } from './obligations/page.ts';
import { privacyObligations } from './obligations/privacy.ts';
import { showingObligations } from './obligations/showing.ts';

const stack = scenario(import.meta.url);

showingObligations(stack);
privacyObligations(stack);
pageObligations(stack);
measuringObligations(stack);
lifeObligations(stack);

stack.run();
