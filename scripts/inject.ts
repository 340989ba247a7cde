/** `npm run inject -- SIDECAR --into SERVICE`: the package's own command, in the folder where npm was called. */
import { main } from '../tools/main.ts';
import { ofThisProcess } from '../tools/command/command.ts';

process.exitCode = await main(['inject', ...process.argv.slice(2)], ofThisProcess());
