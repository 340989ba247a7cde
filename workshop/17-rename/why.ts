/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  period: {
    en: 'with {name}={value} the period is {period} ms, and not {expected}',
    de: 'mit {name}={value} ist die Periode {period} ms und nicht {expected}',
    es: 'con {name}={value} el periodo es {period} ms, y no {expected}',
  },
  endsSilently: {
    en: 'users/{user}: it ends, and does not say that {name} is to be set',
    de: 'users/{user}: er endet und sagt nicht, dass {name} zu setzen ist',
    es: 'users/{user}: termina, y no dice que hay que poner {name}',
  },
  periodChanged: {
    en: 'users/{user}: the period was {before} ms, and is {period} ms now',
    de: 'users/{user}: die Periode war {before} ms und ist jetzt {period} ms',
    es: 'users/{user}: el periodo era {before} ms, y ahora es {period} ms',
  },
  nobodyTold: {
    en: 'users/{user}: nobody is told to set {name}',
    de: 'users/{user}: niemand erfährt, dass {name} zu setzen ist',
    es: 'users/{user}: a nadie se le dice que ponga {name}',
  },
  contradiction: {
    en: '{old}=2 and {name}=7000 together end with {code}, and not with {expected} and both names',
    de: '{old}=2 und {name}=7000 zusammen enden mit {code} und nicht mit {expected} und beiden Namen',
    es: '{old}=2 y {name}=7000 juntos terminan con {code}, y no con {expected} y ambos nombres',
  },
  stillHas: {
    en: 'the Dockerfile still has {old}, and the program does not take it',
    de: 'das Dockerfile hat {old} noch, und das Programm nimmt es nicht',
    es: 'el Dockerfile tiene todavía {old}, y el programa no lo toma',
  },
  hasLost: {
    en: 'the Dockerfile has lost {old}, and the program still takes it',
    de: 'das Dockerfile hat {old} nicht mehr, und das Programm nimmt es noch',
    es: 'el Dockerfile ya no tiene {old}, y el programa todavía lo toma',
  },
  noSidecar: {
    en: 'answer.yaml names no sidecar',
    de: 'answer.yaml nennt kein Sidecar',
    es: 'answer.yaml no nombra ningún sidecar',
  },
  notOurs: {
    en: '{sidecar} is no sidecar of this repository',
    de: '{sidecar} ist kein Sidecar dieses Repositorys',
    es: '{sidecar} no es un sidecar de este repositorio',
  },
  notRead: {
    en: '{sidecar} does not read {former} as {name}',
    de: '{sidecar} liest {former} nicht als {name}',
    es: '{sidecar} no lee {former} como {name}',
  },
});
