/** For tests: an application that answers a call of gRPC. */
import { createServer, type Http2Server, type Http2ServerRequest } from 'node:http2';

/** @param say the body of its answer to a call */
export function grpcApplication(say: (call: Http2ServerRequest) => string): Http2Server {
  return createServer((incoming, response) => {
    incoming.resume();
    incoming.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/grpc' });
      response.addTrailers({ 'grpc-status': '0' });
      response.end(say(incoming));
    });
  });
}
