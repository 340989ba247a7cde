/**
 * Server and client of the checks; knows nothing of the mesh.
 *
 *   serve          answers on every port of ports.ts until it is ended
 *   collect        takes spans, and tells those of a trace (see collect.ts)
 *   wait           does nothing until it is ended: a container to call from
 *   call JSON      makes the calls of a list (see call.ts) and prints their outcomes
 *   load JSON      sends requests for a time (see load.ts) and prints a report
 *   tell JSON      tells the server of this container how to behave from now on (see behaviour.ts)
 *   seen KEY       prints how many requests with this key the server of this container has seen
 *   session        carries out those of these commands that print, a JSON line each (see session.ts)
 */
import { once } from 'node:events';
import { callAll, type Call } from './call.ts';
import { collect } from './collect.ts';
import { ask } from './control.ts';
import { load, type LoadOptions } from './load.ts';
import { serve } from './serve.ts';
import { serveSession } from './session.ts';

const [command = 'serve', argument = ''] = process.argv.slice(2);

/** Until the engine ends it. */
const ended = async (): Promise<void> => {
  const alive = setInterval(() => undefined, 60_000);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  clearInterval(alive);
};

/** What is done once, and told. */
const ANSWERED: Readonly<Record<string, (argument: string) => Promise<unknown>>> = {
  call: (argument) => callAll(JSON.parse(argument) as Call[]),
  load: (argument) => load(JSON.parse(argument) as LoadOptions),
  tell: (argument) => ask('PUT', '/behaviour', argument),
  seen: (argument) => ask('GET', `/seen?key=${encodeURIComponent(argument)}`),
};

const COMMANDS: Readonly<Record<string, (argument: string) => Promise<unknown>>> = {
  ...ANSWERED,
  serve: async () => {
    const stop = await serve();
    await ended();
    await stop();
  },
  collect: async () => {
    await collect();
    await ended();
  },
  wait: ended,
  session: () => serveSession(ANSWERED),
};

const carryOut = COMMANDS[command];
if (!carryOut) {
  process.stderr.write(`no command ${command}; there are: ${Object.keys(COMMANDS).join(', ')}\n`);
  process.exit(2);
}
const outcome = await carryOut(argument);
if (outcome !== undefined) process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
else process.exit(0);
