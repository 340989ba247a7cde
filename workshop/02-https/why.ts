/** Why a check of this exercise is red. */
import { reasons } from '../languages/reasons.ts';

export const why = reasons({
  silent: { en: 'port {port} is silent', de: 'der Port {port} schweigt', es: 'el puerto {port} calla' },
  noTls: {
    en: 'no TLS on the published port: {problem}',
    de: 'kein TLS am veröffentlichten Port: {problem}',
    es: 'no hay TLS en el puerto publicado: {problem}',
  },
  tls: { en: 'tls: {problem}', de: 'am Sidecar tls: {problem}', es: 'en el sidecar tls: {problem}' },
  otherName: {
    en: 'the certificate is that of {name}',
    de: 'das Zertifikat ist das von {name}',
    es: 'el certificado es el de {name}',
  },
  notTheBook: {
    en: 'a page answers, and it is not the guest book',
    de: 'eine Seite antwortet, aber es ist nicht das Gästebuch',
    es: 'responde una página, y no es el libro de visitas',
  },
  plain: {
    en: 'port {port} answers in plain HTTP',
    de: 'der Port {port} antwortet auf einfaches HTTP',
    es: 'el puerto {port} responde en HTTP simple',
  },
});
