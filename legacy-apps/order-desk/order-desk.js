// Takes the shop's orders: reserves by gRPC what is ordered, and writes it into PostgreSQL.
// Settings are node-postgres's own (PGHOST, PGUSER, PGPASSFILE …) and STOCK.
'use strict';
const http = require('node:http');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const { Pool } = require('pg');

const { shop } = grpc.loadPackageDefinition(protoLoader.loadSync(`${__dirname}/stock.proto`));
const stock = new shop.Stock(process.env.STOCK || 'stock:9090', grpc.credentials.createInsecure());
const pool = new Pool({ max: 8, connectionTimeoutMillis: 5000 });
pool.on('error', (error) => console.log(`database: ${error.message}`));

const PASSED = ['traceparent', 'tracestate', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled', 'x-request-id'];
const MAX_BODY = 64 * 1024;

function reserve(item, headers) {
  const metadata = new grpc.Metadata();
  for (const name of PASSED) if (headers[name] !== undefined) metadata.set(name, headers[name]);
  return new Promise((resolve, reject) =>
    stock.reserve(item, metadata, { deadline: Date.now() + 5000 }, (error, level) => (error ? reject(error) : resolve(level))),
  );
}

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw Object.assign(new Error('an order is short'), { status: 413 });
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks));
  } catch {
    throw Object.assign(new Error('an order is JSON'), { status: 400 });
  }
}

async function take(request) {
  const { product, quantity } = await body(request);
  const level = await reserve({ product, quantity }, request.headers);
  const { rows } = await pool.query('INSERT INTO orders (product, quantity) VALUES ($1, $2) RETURNING id', [
    product,
    quantity,
  ]);
  return { status: 201, document: { id: Number(rows[0].id), product, quantity, left: level.left } };
}

async function list() {
  const { rows } = await pool.query('SELECT id, product, quantity FROM orders ORDER BY id DESC LIMIT 20');
  return { status: 200, document: rows };
}

async function answer(request) {
  const [path] = request.url.split('?');
  if (path === '/orders' && request.method === 'POST') return take(request);
  if (path === '/orders' && request.method === 'GET') return list();
  return { status: 404, document: { error: 'not found' } };
}

http
  .createServer(async (request, response) => {
    const { status, document } = await answer(request).catch((error) => ({
      status: error.status || (error.code === grpc.status.FAILED_PRECONDITION ? 409 : 503),
      document: { error: error.details || error.message },
    }));
    console.log(`${request.method} ${request.url} ${status} trace=${String(request.headers.traceparent || '-')}`);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(document)}\n`);
  })
  .listen(Number(process.argv[2] || 3000), '0.0.0.0');

process.on('SIGTERM', () => process.exit(0));
