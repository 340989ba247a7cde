#!/usr/bin/perl
# Works off jobs and says so on stdout; what was slow it says on stderr. Jobs come by TCP, a line each:
# "jobs FROM COUNT", or "dump BYTES" for its state in one long line.
use strict;
use warnings;
use IO::Socket::INET;

$| = 1;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => shift // 7000, Listen => 5, ReuseAddr => 1)
  or die "cannot listen: $!\n";
print "worker started\n";
while (my $client = $server->accept) {
    while (my $line = <$client>) {
        if ($line =~ /^jobs (\d+) (\d+)/) {
            for my $job ($1 .. $1 + $2 - 1) {
                print STDOUT "job $job done in " . (5 + $job % 40) . " ms\n";
                print STDERR "job $job was slow\n" if $job % 10 == 0;
            }
        }
        elsif ($line =~ /^dump (\d+)/) {
            print STDOUT 'state ' . ('=' x ($1 - 10)) . " end\n";
        }
        print $client "ok\n";
    }
}
