/** Where the server listens. */
export const PORTS = {
  /** HTTP/1.x and WebSocket. */
  http: 8080,
  /** HTTP/2 without TLS. */
  h2c: 8082,
  grpc: 9090,
  /** Speaks before the client does. */
  serverFirst: 7000,
} as const;

/** How this container is told what to do: on the loopback interface only. */
export const CONTROL_PORT = 9999;
