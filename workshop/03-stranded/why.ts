/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  notTheReports: {
    en: 'a page answers, and it is not the report server',
    de: 'eine Seite antwortet, aber es ist nicht der Berichts-Server',
    es: 'responde una página, y no es el servidor de informes',
  },
  answersAfter: {
    en: 'HTTPS answers after {service} has crashed',
    de: 'HTTPS antwortet, nachdem {service} abgestürzt ist',
    es: 'HTTPS responde después de la caída de {service}',
  },
});
