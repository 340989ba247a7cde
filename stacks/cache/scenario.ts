/** What the cache stack must do, seen by its clients and in the shop's own log: its obligations, in order. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { faultObligations } from './obligations/faults.ts';
import { bypassObligations } from './obligations/bypass.ts';
import { privacyObligations } from './obligations/privacy.ts';
import { sharingObligations } from './obligations/sharing.ts';
import { truthObligations } from './obligations/truth.ts';

const stack = scenario(import.meta.url);

// Clients that look at pages of their own, side by side; what kills comes after them.
sharingObligations(stack.lane('sharing'));
privacyObligations(stack.lane('privacy'));
bypassObligations(stack.lane('bypass'));
truthObligations(stack.lane('truth'));
faultObligations(stack);

stack.run();
