const { createServer } = require('node:http');

createServer((request, response) => {
  response.end(request.url === '/healthz' ? 'well\n' : 'Release 1\n');
}).listen(3000);
