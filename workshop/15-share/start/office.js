// The office: one page.
const { createServer } = require('node:http');

createServer((request, response) => response.end('The office is open\n')).listen(3000);
