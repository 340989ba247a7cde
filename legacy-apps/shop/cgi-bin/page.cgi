#!/bin/sh
# page.cgi - a page of the shop. What it says of caching stands in its query, as somebody once found practical:
# /page?cc=max-age=60&wait=1&tag=books
wait= cc= tag= etag= vary= cookie= half= drip=
IFS='&'
for pair in $QUERY_STRING; do
  value=${pair#*=}
  while :; do
    case $value in *%20*) value="${value%%%20*} ${value#*%20}" ;; *) break ;; esac
  done
  case $pair in
    wait=*) wait=$value ;; cc=*) cc=$value ;; tag=*) tag=$value ;; etag=*) etag=$value ;;
    vary=*) vary=$value ;; cookie=*) cookie=$value ;; half=*) half=$value ;; drip=*) drip=$value ;;
  esac
done
known=
[ -n "$etag" ] && [ "$HTTP_IF_NONE_MATCH" = "\"$etag\"" ] && known=yes
# The warehouse takes its time.
[ -n "$wait" ] && [ -z "$drip" ] && sleep "$wait"
[ -n "$known" ] && printf 'Status: 304 Not Modified\r\n'
[ -n "$cc" ] && printf 'Cache-Control: %s\r\n' "$cc"
[ -n "$tag" ] && printf 'Surrogate-Key: %s\r\n' "$tag"
[ -n "$vary" ] && printf 'Vary: %s\r\n' "$vary"
[ -n "$etag" ] && printf 'ETag: "%s"\r\n' "$etag"
[ -n "$cookie" ] && printf 'Set-Cookie: session=%s\r\n' $$
[ -n "$half" ] && printf 'Content-Length: 100000\r\n'
printf 'Content-Type: text/plain\r\n\r\n'
[ -n "$known" ] && exit 0
printf 'first line, process %s\n' $$
# A part now, the rest when the warehouse has answered.
[ -n "$drip" ] && sleep "$wait"
[ -n "$half" ] && kill -9 $$
printf '%s for %s %s at %s://%s\n' "$REQUEST_METHOD" "${HTTP_AUTHORIZATION:-nobody}" "$HTTP_COOKIE" "$HTTP_X_FORWARDED_PROTO" "$HTTP_HOST"
