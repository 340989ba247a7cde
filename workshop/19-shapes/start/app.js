// A service: it says its name, and at /order it asks the one that NEXT names. Proxies on the way leave a header each.
const http = require('node:http');

const { NAME, NEXT } = process.env;

http
  .createServer((request, response) => {
    if (request.url !== '/order' || !NEXT) return response.end(JSON.stringify({ name: NAME }));
    http
      .get(NEXT, (answer) => {
        const passed = answer.rawHeaders.filter((each) => each.toLowerCase() === 'x-proxy').length;
        answer
          .resume()
          .on('end', () => response.end(JSON.stringify({ name: NAME, status: answer.statusCode, passed })));
      })
      .on('error', (error) => response.writeHead(502).end(JSON.stringify({ name: NAME, error: error.code })));
  })
  .listen(3000);
