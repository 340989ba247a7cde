/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  endsWith: { en: 'greet ends with {code}', de: 'greet endet mit {code}', es: 'greet termina con {code}' },
  says: {
    en: 'with {name}=Ada greet says "{said}"',
    de: 'mit {name}=Ada sagt greet „{said}“',
    es: 'con {name}=Ada greet dice «{said}»',
  },
  withoutNotice: {
    en: '{name} went without notice',
    de: '{name} ging ohne Ankündigung',
    es: '{name} desapareció sin aviso',
  },
  stillThere: {
    en: 'the Dockerfile still has {name}, and with {name}=Ada greet says "{said}"',
    de: 'das Dockerfile hat {name} noch, und mit {name}=Ada sagt greet „{said}“',
    es: 'el Dockerfile tiene todavía {name}, y con {name}=Ada greet dice «{said}»',
  },
  notYetDeclared: {
    en: 'the README cannot speak of {name} before the Dockerfile does',
    de: 'die README kann nicht von {name} sprechen, bevor das Dockerfile es tut',
    es: 'el README no puede hablar de {name} antes de que lo haga el Dockerfile',
  },
  noMarks: {
    en: 'README.md has lost the marks of its contract',
    de: 'README.md hat die Marken seines Vertrags verloren',
    es: 'README.md ha perdido las marcas de su contrato',
  },
  otherTable: {
    en: 'the table in README.md is not what the Dockerfile says',
    de: 'die Tabelle in README.md ist nicht das, was das Dockerfile sagt',
    es: 'la tabla de README.md no es lo que dice el Dockerfile',
  },
});
