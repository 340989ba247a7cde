/** The little of oidc-provider that the stack uses; the package has no types of its own. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';
  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    /** Behind a proxy that says by X-Forwarded-* how it was called. */
    proxy: boolean;
    callback(): RequestListener;
    on(event: string, listener: (...args: never[]) => void): this;
  }
}
