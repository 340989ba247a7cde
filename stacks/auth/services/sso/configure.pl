#!/usr/bin/perl
# The configuration that Debian ships, made into that of an OpenID provider with one client.
use strict;
use warnings;
use JSON;

my ($shipped, $made, $key, $public, $secret) = @ARGV;

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

my $client_secret = slurp($secret);
chomp $client_secret;
my $conf = decode_json(slurp($shipped));
my %more = (
    portal                            => 'https://sso.example:8443/',
    domain                            => 'sso.example',
    securedCookie                     => 1,
    requireToken                      => 0,
    captcha_login_enabled             => 0,
    captcha_mail_enabled              => 0,
    captcha_register_enabled          => 0,
    portalDisplayResetPassword        => 0,
    portalDisplayRegister             => 0,
    issuerDBOpenIDConnectActivation   => 1,
    oidcServiceMetaDataIssuer         => 'https://sso.example:8443',
    oidcServicePrivateKeySig          => slurp($key),
    oidcServicePublicKeySig           => slurp($public),
    oidcServiceKeyIdSig               => 'sso-1',
    oidcServiceAllowAuthorizationCodeFlow => 1,
    globalStorageOptions     => { Directory => '/tmp/sessions',  LockDirectory => '/tmp/sessions/lock',  generateModule => 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256' },
    persistentStorageOptions => { Directory => '/tmp/psessions', LockDirectory => '/tmp/psessions/lock' },
    localSessionStorageOptions => { namespace => 'lemonldap-ng-session', default_expires_in => 600, directory_umask => '007', cache_root => '/tmp/cache', cache_depth => 3 },
    oidcRPMetaDataOptions => {
        lobby => {
            oidcRPMetaDataOptionsClientID       => 'lobby',
            oidcRPMetaDataOptionsClientSecret   => $client_secret,
            oidcRPMetaDataOptionsRedirectUris   => 'http://lobby.example:4180/oauth2/callback',
            oidcRPMetaDataOptionsBypassConsent  => 1,
            oidcRPMetaDataOptionsIDTokenSignAlg => 'RS256',
            oidcRPMetaDataOptionsRequirePKCE    => 1,
        },
    },
    oidcRPMetaDataExportedVars => { lobby => { email => 'mail', preferred_username => 'uid' } },
);
@$conf{keys %more} = values %more;
open(my $out, '>', $made) or die "$made: $!\n";
print $out JSON->new->canonical->pretty->encode($conf);
close $out;
