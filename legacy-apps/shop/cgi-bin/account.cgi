#!/bin/sh
# account.cgi - somebody's account, for a minute.
printf 'Cache-Control: public, max-age=60\r\nContent-Type: text/html\r\n\r\n'
printf '<p>The account of %s.\n' "${HTTP_AUTHORIZATION:-${HTTP_X_USER:-nobody}}"
