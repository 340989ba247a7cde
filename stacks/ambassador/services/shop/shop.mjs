// A shop outside of the pods: it says which one it is, counts what it gets, and can be made a bad version of itself.
import { createServer } from 'node:http';

const { SHOP = 'shop' } = process.env;
/** How often each order came. */
const orders = new Map();
let visits = 0;
let mood = 'well';

function answer(request, response) {
  const [, what, which] = request.url.split('/');
  if (what === 'mood') {
    mood = which;
    return response.end(`${mood}\n`);
  }
  if (what === 'ledger') {
    const repeated = [...orders.values()].filter((times) => times > 1).length;
    return response.end(JSON.stringify({ visits, orders: orders.size, repeated }));
  }
  visits++;
  if (mood === 'hangs') return undefined;
  if (mood === 'errs') return response.writeHead(500).end('out of order\n');
  if (what === 'orders') orders.set(which, (orders.get(which) ?? 0) + 1);
  return response.end(`${SHOP}\n`);
}

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => answer(request, response));
});
server.listen(8080);
process.on('SIGTERM', () => process.exit(0));
