#!/usr/bin/perl -w
#
# httpd.pl - a small web server. Speaks HTTP/1.0, runs CGI scripts, one
# process a request. Listens on the loopback interface only; put a real
# server in front if you want to be on the Internet.
#
# usage: httpd.pl PORT DOCROOT CGIDIR LOGFILE
#
use strict;
use IO::Socket::INET;
use POSIX qw(strftime WNOHANG);

my ($port, $docroot, $cgidir, $logfile) = @ARGV;
die "usage: httpd.pl PORT DOCROOT CGIDIR LOGFILE\n" unless defined $logfile;

my %type = (html => 'text/html', css => 'text/css', txt => 'text/plain',
            gif => 'image/gif', png => 'image/png', ico => 'image/x-icon');

$| = 1;
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
                                   Listen => 128, ReuseAddr => 1)
    or die "httpd.pl: cannot listen on port $port: $!\n";
open(LOG, '>>', $logfile) or die "httpd.pl: cannot write $logfile: $!\n";
select((select(LOG), $| = 1)[0]);

$SIG{TERM} = $SIG{INT} = sub { exit 0 };
$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };
$SIG{PIPE} = 'IGNORE';
print "httpd.pl: serving on 127.0.0.1:$port\n";

while (1) {
    my $client = $listen->accept or next;
    my $pid = fork;
    if (!defined $pid) { close $client; next; }
    if ($pid == 0) {
        close $listen;
        $SIG{CHLD} = 'DEFAULT';
        serve($client);
        exit 0;
    }
    close $client;
}

sub serve {
    my $c = shift;
    alarm 60;
    binmode $c;
    my $line = <$c>;
    return unless defined $line;
    $line =~ s/\r?\n$//;
    my ($method, $url) = $line =~ m#^(GET|HEAD|POST) (\S+) HTTP/1\.[01]$#
        or return answer($c, $line, 400, 'Bad Request');
    my %header;
    while (defined(my $h = <$c>)) {
        $h =~ s/\r?\n$//;
        last if $h eq '';
        my ($name, $value) = $h =~ /^([\w-]+):\s*(.*?)\s*$/ or next;
        $name = uc $name;
        $name =~ tr/-/_/;
        # RFC 3875, section 4.1.18: fields of one name reach the script as one.
        $header{$name} = exists $header{$name} ? "$header{$name}, $value" : $value;
    }
    my ($path, $query) = split /\?/, $url, 2;
    $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return answer($c, $line, 403, 'Forbidden') if $path =~ m#(^|/)\.\.(/|$)|\0#;

    if ($path =~ m#^/cgi-bin/([\w.-]+)$# && -x "$cgidir/$1") {
        return run_cgi($c, $line, "$cgidir/$1", $method, $path, defined $query ? $query : '', \%header);
    }
    $path .= 'index.html' if $path =~ m#/$#;
    my $file = "$docroot$path";
    return answer($c, $line, 404, 'Not Found') unless -f $file && open(FILE, '<', $file);
    binmode FILE;
    my ($ext) = $file =~ /\.(\w+)$/;
    my $size = -s FILE;
    print $c "HTTP/1.0 200 OK\r\nServer: httpd.pl/0.4\r\nContent-Type: ",
        $type{lc($ext || '')} || 'application/octet-stream', "\r\nContent-Length: $size\r\n\r\n";
    if ($method ne 'HEAD') {
        my $buf;
        print $c $buf while read(FILE, $buf, 16384);
    }
    note(\%header, $line, 200, $size);
}

# The script writes its own headers, a blank line and the page; the end of the
# page is the end of the connection.
sub run_cgi {
    my ($c, $line, $script, $method, $path, $query, $header) = @_;
    my $body = '';
    my $length = $header->{CONTENT_LENGTH} || 0;
    return answer($c, $line, 413, 'Too Large') if $length > 65536;
    read($c, $body, $length) if $length > 0;
    pipe(my $in, my $feed) or return answer($c, $line, 500, 'Server Error');
    pipe(my $out, my $write) or return answer($c, $line, 500, 'Server Error');
    my $pid = fork;
    return answer($c, $line, 500, 'Server Error') unless defined $pid;
    if ($pid == 0) {
        open(STDIN, '<&', $in);
        open(STDOUT, '>&', $write);
        close $_ for $feed, $out, $in, $write;
        my %env = (GATEWAY_INTERFACE => 'CGI/1.1', SERVER_PROTOCOL => 'HTTP/1.0',
            REQUEST_METHOD => $method, SCRIPT_NAME => $path, QUERY_STRING => $query,
            REMOTE_ADDR => $c->peerhost, CONTENT_LENGTH => $length,
            CONTENT_TYPE => $header->{CONTENT_TYPE} || '', PATH => '/usr/bin:/bin',
            GUESTBOOK => $ENV{GUESTBOOK} || '/var/lib/guestbook/entries');
        $env{"HTTP_$_"} = $header->{$_} for keys %$header;
        %ENV = %env;
        exec $script or exit 127;
    }
    close $in; close $write;
    print $feed $body; close $feed;
    my ($head, $page) = ('', '');
    { local $/; $page = <$out>; }
    waitpid $pid, 0;
    return answer($c, $line, 500, 'Server Error') unless defined $page && $page =~ s/^(.*?)\r?\n\r?\n//s;
    $head = $1;
    my $status = $head =~ s/^Status: (\d{3} [\w ]+)\r?\n//m ? $1 : '200 OK';
    $head =~ s/\r?\n/\r\n/g;
    print $c "HTTP/1.0 $status\r\nServer: httpd.pl/0.4\r\n$head\r\n\r\n";
    print $c $page unless $method eq 'HEAD';
    note($header, $line, substr($status, 0, 3), length $page);
}

sub answer {
    my ($c, $line, $status, $text) = @_;
    print $c "HTTP/1.0 $status $text\r\nServer: httpd.pl/0.4\r\nContent-Type: text/html\r\n\r\n",
        "<h1>$status $text</h1>\n";
    note({}, $line, $status, 0);
}

sub note {
    my ($header, $line, $status, $size) = @_;
    my $who = $header->{X_FORWARDED_FOR} || '127.0.0.1';
    my $when = strftime('%d/%b/%Y:%H:%M:%S +0000', gmtime);
    $line =~ s/[^ -~]|"/?/g;
    $who =~ s/[^0-9A-Za-z.:, ]/?/g;
    print LOG qq($who - - [$when] "$line" $status $size\n);
}
