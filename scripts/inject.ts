/** `npm run inject -- SIDECAR --into SERVICE`: the package's own command, in the folder where npm was called. */
import { main } from '../tools/cli/main.ts';

process.exitCode = await main(['inject', ...process.argv.slice(2)], {
  folder: process.env['INIT_CWD'] ?? process.cwd(),
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
