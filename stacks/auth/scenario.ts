/** What the auth stack must do, seen from outside and from inside its containers: its obligations. */
import { scenario } from '../../scripts/scenario/scenario.ts';
import { closeBrowser } from './lib/browser.ts';
import { browserObligations } from './obligations/browser.ts';
import { entryObligations } from './obligations/entry.ts';
import { lobbyObligations } from './obligations/lobby.ts';
import { secretObligations } from './obligations/secrets.ts';
import { sessionObligations } from './obligations/sessions.ts';
import { trapObligations } from './obligations/trap.ts';

const stack = scenario(import.meta.url);

// Three pods, three lanes. What restarts the shop's sidecar or its provider comes when nobody else looks.
const shop = stack.lane('shop');
const trap = stack.lane('trap');
const people = stack.lane('people');

entryObligations(shop);
trapObligations(trap);
browserObligations(people);
lobbyObligations(people);
secretObligations(stack);
sessionObligations(stack);

stack.finally(closeBrowser);
stack.run();
