#!/usr/bin/perl -w
# Shows what the server told this script: its environment, a line each.
print "Content-Type: text/plain\n\n";
print map { "$_=$ENV{$_}\n" } sort keys %ENV;
