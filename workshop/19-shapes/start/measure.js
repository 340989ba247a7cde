// Asks the shop in its three shapes: an order by way of stock, or with the argument "orders" orders itself.
const http = require('node:http');

const who = process.argv[2] ?? 'stock';
const ways = {
  stock: {
    none: 'http://stock-none:3000/order',
    node: 'http://stock-node:3000/order',
    sidecar: 'http://stock:3000/order',
  },
  orders: { none: 'http://orders-none:3000/', node: 'http://node-proxy:8080/', sidecar: 'http://orders:8080/' },
}[who];
const COUNT = who === 'stock' ? 100 : 1;

const ask = (url) =>
  new Promise((resolve) => {
    http
      .get(url, { timeout: 5000 }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: answer.statusCode, text }));
      })
      .on('timeout', function () {
        this.destroy();
      })
      .on('error', (error) => resolve({ status: 0, text: error.code }));
  });

async function main() {
  const report = {};
  for (const [shape, url] of Object.entries(ways)) {
    const times = [];
    let last;
    for (let index = 0; index < COUNT; index++) {
      const begin = performance.now();
      last = await ask(url);
      times.push(performance.now() - begin);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    report[shape] = { answers: last.status, says: last.text, 'median ms': Number(median.toFixed(2)) };
  }
  console.log(process.argv.includes('--json') ? JSON.stringify(report) : '');
  if (!process.argv.includes('--json')) console.table(report);
}

void main();
