#!/bin/sh
# live.cgi - the shop's news over WebSocket (RFC 6455), as far as a shell gets: a greeting, and a word for a word.
digest=$(printf '%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11' "$HTTP_SEC_WEBSOCKET_KEY" | sha1sum | cut -c 1-40)
octal=
while [ -n "$digest" ]; do
  rest=${digest#??}
  octal="$octal\\$(printf '%03o' "0x${digest%"$rest"}")"
  digest=$rest
done
# shellcheck disable=SC2059 # The format is the digest.
accept=$(printf "$octal" | base64)
printf 'Status: 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n' "$accept"
# Frames of text, unmasked, shorter than 126 bytes; then one that closes.
printf '\201\004open'
head -c 1 > /dev/null
printf '\201\005heard\210\000'
