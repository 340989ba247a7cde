/** Handlers of the page's login. */
import type { Sessions } from '../access/sessions.ts';
import { bearerOf, type Caller } from '../access/tokens.ts';
import type { Handler } from './server.ts';

export function loginHandlers(sessions: Sessions): Record<string, Handler> {
  return {
    addLogin: ({ reply, caller }) => {
      const { secret: code, expires } = sessions.invite(caller);
      return reply.code(201).send({ code, expires });
    },
    openSession: ({ request, reply }) => {
      const { secret: token, expires, caller } = sessions.open((request.body as { code: string }).code);
      return reply.code(201).send({ token, expires, ...shown(caller) });
    },
    closeSession: ({ request, reply }) => {
      sessions.close(bearerOf(request.headers.authorization) ?? '');
      return reply.code(204).send();
    },
  };
}

const shown = ({ name, scopes }: Caller): { name: string; scopes: string[] } => ({ name, scopes: [...scopes] });
