/** What the mesh stack must do, seen from outside and from inside its containers: its obligations, in order. */
import { scenario } from '../../scripts/lib/scenario.ts';
import { shopObligations } from './obligations/shop.ts';

const stack = scenario(import.meta.url);

shopObligations(stack);

stack.run();
