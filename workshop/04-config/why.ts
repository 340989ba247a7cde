/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  noneApplied: {
    en: 'no version of yours was applied',
    de: 'keine Version von dir wurde angewendet',
    es: 'no se aplicó ninguna versión tuya',
  },
  stillFirst: {
    en: 'the board still shows release 1',
    de: 'die Tafel zeigt noch Release 1',
    es: 'el panel muestra todavía el release 1',
  },
  noRollback: {
    en: 'no version was rolled back; their fates: {fates}',
    de: 'keine Version wurde zurückgenommen; was aus ihnen wurde: {fates}',
    es: 'no se deshizo ninguna versión; qué fue de ellas: {fates}',
  },
  latestIs: {
    en: 'the latest version is {fate}',
    de: 'die jüngste Version ist {fate}',
    es: 'la última versión está {fate}',
  },
  notReported: { en: 'not reported yet', de: 'noch nicht gemeldet', es: 'sin informe todavía' },
  otherRelease: {
    en: 'the board shows release {shown}, the server has {wanted}',
    de: 'die Tafel zeigt Release {shown}, der Server hat {wanted}',
    es: 'el panel muestra el release {shown}, el servidor tiene {wanted}',
  },
  noGoodAfter: {
    en: 'no good version came after the broken one',
    de: 'nach der kaputten Version kam keine gute',
    es: 'después de la versión rota no llegó ninguna buena',
  },
});
