/** What a sender sent is not what its protocol says. */
export class MalformedError extends Error {}
