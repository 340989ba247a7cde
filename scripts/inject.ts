/** `npm run inject -- SIDECAR --into SERVICE`: the package's own command, in the folder where npm was called. */
import { main } from '../tools/cli/main.ts';
import { ofThisProcess } from '../tools/cli/usage.ts';

process.exitCode = await main(['inject', ...process.argv.slice(2)], ofThisProcess());
