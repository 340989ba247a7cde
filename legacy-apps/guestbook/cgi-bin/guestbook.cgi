#!/usr/bin/perl -w
#
# guestbook.cgi - sign the guest book. Entries are kept one a line:
# time, address, name, message, separated by tabs.
#
use strict;
use Fcntl qw(:flock);
use POSIX qw(strftime);

my $book = $ENV{GUESTBOOK};

# Who called, and how: servers in front of us tell in these.
my $who = $ENV{HTTP_X_FORWARDED_FOR} || $ENV{REMOTE_ADDR} || 'unknown';
my $scheme = $ENV{HTTP_X_FORWARDED_PROTO} || 'http';
my $host = $ENV{HTTP_X_FORWARDED_HOST} || $ENV{HTTP_HOST} || 'localhost';

if (($ENV{REQUEST_METHOD} || 'GET') eq 'POST') {
    my $data = '';
    read(STDIN, $data, $ENV{CONTENT_LENGTH} || 0);
    my %in;
    for (split /&/, $data) {
        my ($k, $v) = split /=/, $_, 2;
        $v = '' unless defined $v;
        $v =~ tr/+/ /;
        $v =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
        $v =~ s/[\x00-\x1f]+/ /g;
        $in{$k} = substr($v, 0, 500);
    }
    if (length($in{name} || '') && length($in{message} || '')) {
        open(BOOK, '>>', $book) or fail("cannot write the book: $!");
        flock(BOOK, LOCK_EX);
        print BOOK join("\t", time, $who, $in{name}, $in{message}), "\n";
        close BOOK;
    }
    print "Status: 303 See Other\nLocation: $scheme://$host/cgi-bin/guestbook.cgi\nContent-Type: text/html\n\n",
        "<a href=\"/cgi-bin/guestbook.cgi\">Thank you!</a>\n";
    exit 0;
}

my @entries;
if (open(BOOK, '<', $book)) { @entries = reverse <BOOK>; close BOOK; }

print "Content-Type: text/html; charset=utf-8\n\n";
print <<"HTML";
<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.0 Transitional//EN">
<html><head><title>Guest book</title></head>
<body bgcolor="#ffffe0" text="#000060" link="#0000ff">
<center><h1>Our guest book</h1>
<p><i>You come from <b>@{[esc($who)]}</b> by <b>@{[esc($scheme)]}</b>, asking for <b>@{[esc($host)]}</b>.</i></p>
<form method="POST" action="/cgi-bin/guestbook.cgi"><table border="1" cellpadding="4" bgcolor="#ffffff">
<tr><td>Name</td><td><input name="name" size="30"></td></tr>
<tr><td>Message</td><td><input name="message" size="60"></td></tr>
<tr><td colspan="2" align="right"><input type="submit" value="Sign!"></td></tr>
</table></form><hr width="60%">
<table width="60%" cellpadding="6">
HTML
for (@entries) {
    chomp;
    my ($time, $from, $name, $message) = split /\t/;
    print "<tr><td valign=top nowrap><b>", esc($name), "</b><br><font size=-1>",
        strftime('%d %b %Y', gmtime $time), "<br>", esc($from), "</font></td><td>", esc($message), "</td></tr>\n";
}
print "</table><p><font size=-1>", scalar(@entries), " entries. Best viewed at 800x600.</font></p></center></body></html>\n";

sub esc {
    my $s = shift;
    $s =~ s/&/&amp;/g; $s =~ s/</&lt;/g; $s =~ s/>/&gt;/g; $s =~ s/"/&quot;/g;
    return $s;
}

sub fail {
    print "Status: 500 Server Error\nContent-Type: text/plain\n\n$_[0]\n";
    exit 0;
}
