/** `npm run export -- STACK`: the package's own command, with paths from where npm was called. */
import { main } from '../tools/main.ts';
import { ofThisProcess } from '../tools/command/command.ts';

process.exitCode = await main(['export', ...process.argv.slice(2)], ofThisProcess());
