/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  nothingPushed: {
    en: 'nothing has been pushed yet',
    de: 'noch ist nichts gepusht',
    es: 'todavía no se ha subido nada',
  },
  stillFirst: {
    en: 'the application still says Release 1',
    de: 'die Anwendung sagt noch Release 1',
    es: 'la aplicación dice todavía Release 1',
  },
  nothingTakenBack: {
    en: 'git-sync has taken no version back',
    de: 'git-sync hat keine Version zurückgenommen',
    es: 'git-sync no ha deshecho ninguna versión',
  },
  tooFew: {
    en: '{count} versions are in git: yours, a broken one, and one that mends it are missing',
    de: '{count} Versionen sind in git: deine, eine kaputte und eine, die sie repariert, fehlen',
    es: 'hay {count} versiones en git: faltan la tuya, una rota y otra que la repare',
  },
  notLive: {
    en: 'live is {live}, main is at {main}',
    de: 'in Betrieb ist {live}, main steht bei {main}',
    es: 'en marcha está {live}, main está en {main}',
  },
  notVerified: {
    en: 'the live version has not been seen healthy yet',
    de: 'die Version in Betrieb wurde noch nicht gesund gesehen',
    es: 'la versión en marcha no se ha visto sana todavía',
  },
});
