/** What the watch stack must do: one request is found by its trace id, wherever it has been. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { dashboardObligations } from './obligations/dashboards.ts';
import { wayObligations } from './obligations/way.ts';

const stack = scenario(import.meta.url);

wayObligations(stack);
dashboardObligations(stack);

stack.run();
