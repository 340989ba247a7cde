/** What the bytes of a client that speaks HTTP/1 are at the moment. */

/** A head, or its beginning. */
export const HEAD: number = 0;
/** The body of the request that is under way. */
export const BODY: number = 1;
/** The next request's: kept until this one is answered. */
export const NEXT: number = 2;
/** The rest of a body that nobody wants. */
export const REST: number = 3;
/** Nothing: the connection is closing. */
export const NOTHING: number = 4;
