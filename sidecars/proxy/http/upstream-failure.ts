/** Why a try ended without a response, or with half of one: the label of a metric. */
export type UpstreamFailure =
  | 'connect'
  | 'connect_timeout'
  /** The connection was closed before a response began. */
  | 'closed'
  | 'invalid_response'
  | 'response_timeout'
  /** The connection was closed within a response. */
  | 'truncated'
  | 'body_timeout'
  /** The cluster had no endpoint to offer. */
  | 'no_endpoint'
  /** The client did not send the rest of its request in time. */
  | 'request_timeout';
